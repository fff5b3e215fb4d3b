"""How long a call may take, and how all of them end when their client is closed."""

import asyncio
import math
from collections.abc import Callable
from types import TracebackType
from typing import Self

from attrs import define, field

from healthimaging_sdk.errors import ClientClosed, DeadlineExceeded


@define(eq=False)
class Deadline:
    """A context that ends what is inside with `DeadlineExceeded` or `ClientClosed` (rule R-9).

    It cancels nothing else: a cancellation from outside passes through as it is.
    """

    clock: Callable[[], float]
    seconds: float | None
    _all: "Deadlines"
    _timeout: asyncio.Timeout = field(factory=lambda: asyncio.timeout(None), init=False)
    _at: float = field(default=math.inf, init=False)
    due: float = field(default=math.inf, init=False)
    """By the event loop's clock: the client's may be a test's."""

    def remaining(self) -> float:
        return self._at - self.clock()

    def pause(self) -> None:
        """Time spent queueing for the client's own pace does not count."""
        self.due = math.inf

    def resume(self, paused: float) -> None:
        self._at += paused
        self._arm()

    def expire(self) -> None:
        self.due = math.inf
        if not self._timeout.expired():
            self._timeout.reschedule(asyncio.get_running_loop().time())

    def _arm(self) -> None:
        if self._at < math.inf:
            self.due = asyncio.get_running_loop().time() + max(0.0, self.remaining())
            self._all.watch(self.due)

    async def __aenter__(self) -> Self:
        self._all.enter(self)
        await self._timeout.__aenter__()
        if self.seconds is not None:
            self._at = self.clock() + self.seconds
            self._arm()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._all.leave(self)
        try:
            await self._timeout.__aexit__(kind, error, traceback)
        except TimeoutError:
            if self._all.closed:
                raise ClientClosed("the client was closed during the call") from None
            raise DeadlineExceeded(f"no answer within {self.seconds:g} seconds") from None


@define(eq=False)
class Deadlines:
    """The calls and pauses under way in one client. One alarm wakes them all: calls are many."""

    clock: Callable[[], float]
    closed: bool = field(default=False, init=False)
    _under_way: set[Deadline] = field(factory=set[Deadline], init=False)
    _alarm: asyncio.TimerHandle | None = field(default=None, init=False)

    def deadline(self, seconds: float | None) -> Deadline:
        return Deadline(self.clock, seconds, self)

    def enter(self, deadline: Deadline) -> None:
        if self.closed:
            raise ClientClosed("the client is closed")
        self._under_way.add(deadline)

    def leave(self, deadline: Deadline) -> None:
        self._under_way.discard(deadline)

    def watch(self, due: float) -> None:
        """Sees to it that the alarm rings by then; it may ring for nobody."""
        if self._alarm is not None:
            if self._alarm.when() <= due:
                return
            self._alarm.cancel()
        self._alarm = asyncio.get_running_loop().call_at(due, self._ring, due)

    def close(self) -> None:
        """Everything under way ends with `ClientClosed`, and nothing begins any more."""
        self.closed = True
        if self._alarm is not None:
            self._alarm.cancel()
        for deadline in self._under_way:
            deadline.expire()

    def _ring(self, now: float) -> None:
        self._alarm = None
        for deadline in self._under_way:
            if deadline.due <= now:
                deadline.expire()
        following = min((each.due for each in self._under_way), default=math.inf)
        if following < math.inf:
            self.watch(following)
