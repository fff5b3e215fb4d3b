"""How long a server may say nothing. No I/O in here, and one timer for all who wait."""

import asyncio
from typing import Protocol

from attrs import define, field


class Waiting(Protocol):
    """What can be told that it waits in vain, as aiohttp's protocols and bodies can."""

    def set_exception(self, exc: BaseException, /) -> None: ...


@define(eq=False)
class Silence:
    """Ends with `TimeoutError` what waits for bytes for more than so many seconds.

    aiohttp's own limit sets a timer at every read and takes it back: a twentieth of a call.
    """

    seconds: float
    _loop: asyncio.AbstractEventLoop
    _due: dict[Waiting, float] = field(factory=dict[Waiting, float], init=False)
    """In the order in which they began to wait: all may wait for as long."""

    _timer: asyncio.TimerHandle | None = field(default=None, init=False)

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
