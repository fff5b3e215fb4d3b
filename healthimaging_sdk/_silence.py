"""How long a server may say nothing. No I/O in here, and one timer for all who wait."""

import asyncio
from typing import Protocol


class Waiting(Protocol):
    """What can be told that it waits in vain, as aiohttp's protocols and bodies can."""

    def set_exception(self, exc: BaseException, /) -> None: ...


class Silence:
    """Ends with `TimeoutError` what waits for bytes for more than so many seconds.

    aiohttp's own limit sets a timer at every read and takes it back: a twentieth of a call.
    """

    def __init__(self, seconds: float, loop: asyncio.AbstractEventLoop) -> None:
        self.seconds = seconds
        self._loop = loop
        self._due: dict[Waiting, float] = {}
        """In the order in which they began to wait: all may wait for as long."""
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, waiting: Waiting) -> None:
        self._due[waiting] = due = self._loop.time() + self.seconds
        if self._timer is None:
            self._timer = self._loop.call_at(due, self._ring, due)

    def end(self, waiting: Waiting) -> None:
        self._due.pop(waiting, None)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _ring(self, now: float) -> None:
        self._timer = None
        while self._due:
            waiting, due = next(iter(self._due.items()))
            if due > now:
                self._timer = self._loop.call_at(due, self._ring, due)
                return
            self.end(waiting)
            waiting.set_exception(TimeoutError())
