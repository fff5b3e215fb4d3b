"""Time for an emulator in a thread: it passes when the test says so."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

Result = TypeVar("Result")
Sleepers = list["asyncio.Future[None]"]


class HeldTime:
    """A `sleep` that lasts until the test says so; it passes at once unless `is_held`."""

    def __init__(self) -> None:
        self.is_held = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sleepers: Sleepers = []
        self._somebody_sleeps = asyncio.Event()

    async def sleep(self, _: float) -> None:
        self._loop = asyncio.get_running_loop()
        if self.is_held:
            sleeper = self._loop.create_future()
            self._sleepers.append(sleeper)
            self._somebody_sleeps.set()
            await sleeper

    def wake(self) -> None:
        """What sleeps now, and there is something, wakes up; what sleeps later goes on sleeping."""
        self.wake_these(self.taken())

    def taken(self) -> Sleepers:
        """What sleeps now, for `wake_these`: nothing else wakes it up from here on."""
        return self._run(self._take())

    def wake_these(self, sleepers: Sleepers) -> None:
        self._run(self._wake(sleepers))

    def let_go(self) -> None:
        """Everything wakes up, and nothing sleeps any more."""
        self._run(self._let_go())

    def _run(self, work: Coroutine[object, object, Result]) -> Result:
        if self._loop is None:
            raise RuntimeError("nothing has slept yet")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _take(self) -> Sleepers:
        # The answer that the test has seen may be ahead of the work that it announces.
        await self._somebody_sleeps.wait()
        self._somebody_sleeps.clear()
        sleepers, self._sleepers = self._sleepers, []
        return sleepers

    async def _let_go(self) -> None:
        self.is_held = False
        self._somebody_sleeps.clear()
        await self._wake(self._sleepers)
        self._sleepers = []

    async def _wake(self, sleepers: Sleepers) -> None:
        for sleeper in sleepers:
            sleeper.set_result(None)
