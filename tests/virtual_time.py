"""An event loop whose time passes only when nothing else can happen.

Sockets are real; timers cost nothing. Tests marked `virtual_time` run on it: what they wait for
comes at once, in the right order, and the time it took is exact.
"""

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

from attrs import define
from fake_time import FakeTime

SETTLING = 0.002
"""Real seconds without a sound from any socket until the next timer is brought on."""


class _SkippingSelector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.threads = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return super().select(0)
        if timeout is None or self.threads:
            # Nothing is planned, or a thread is at work, whose time is real.
            return super().select(None)
        events = super().select(SETTLING)
        if not events:
            self.now += timeout
        return events


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._skipping = _SkippingSelector()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now

    def run_in_executor(  # type: ignore[override]  # a generic of its own in typeshed
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> "asyncio.Future[Any]":
        future = super().run_in_executor(executor, func, *args)
        self._skipping.threads += 1
        future.add_done_callback(self._thread_ended)
        return future

    def _thread_ended(self, _: object) -> None:
        self._skipping.threads -= 1


@define(eq=False)
class LoopTime(FakeTime):
    """The seams of `Config` on such a loop."""

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        await asyncio.sleep(seconds)

    def clock(self) -> float:
        return asyncio.get_running_loop().time()
