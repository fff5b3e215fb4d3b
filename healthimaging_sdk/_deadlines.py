"""How long a call may take, and how all of them end when their client is closed."""

import asyncio
import math
from collections.abc import Callable
from types import TracebackType
from typing import Self

from attrs import define, field

from healthimaging_sdk.errors import ClientClosed, DeadlineExceeded


@define(eq=False, repr=False)
class Deadline:
    """A context that ends what is inside with `DeadlineExceeded` or `ClientClosed` (rule R-9).

    It cancels nothing else: a cancellation from outside passes through as it is. So does
    `asyncio.timeout`, but with a timer of its own for each call.
    """

    clock: Callable[[], float]
    seconds: float | None
    _all: "Deadlines"
    _at: float = field(default=math.inf, init=False)
    due: float = field(default=math.inf, init=False)
    """By the event loop's clock: the client's may be a test's."""

    _task: "asyncio.Task[object] | None" = field(default=None, init=False)
    """Whose call it is, as long as it is inside."""

    _cancellations: int = field(default=0, init=False)
    """How many it had before."""

    _has_cancelled: bool = field(default=False, init=False)

    def remaining(self) -> float:
        return self._at - self.clock()

    def pause(self) -> None:
        """Time spent queueing for the client's own pace does not count."""
        self.due = math.inf

    def resume(self, paused: float) -> None:
        self._at += paused
        if self._at < math.inf:
            self._end_at(asyncio.get_running_loop().time() + max(0.0, self.remaining()))

    def expire(self) -> None:
        """Ends what is inside, soon: the caller may be just that."""
        self.due = math.inf
        asyncio.get_running_loop().call_soon(self._cancel)

    def __enter__(self) -> Self:
        loop = self._all.enter(self)
        self._task = asyncio.current_task(loop)
        if self._task is not None:
            self._cancellations = self._task.cancelling()
        if self.seconds is not None:
            self._at = self.clock() + self.seconds
            self._end_at(loop.time() + self.seconds)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._all.leave(self)
        task, self._task = self._task, None
        if task is None or not self._has_cancelled:
            return
        if task.uncancel() <= self._cancellations and kind is asyncio.CancelledError:
            if self._all.closed:
                raise ClientClosed("the client was closed during the call") from None
            raise DeadlineExceeded(f"no answer within {self.seconds:g} seconds") from None

    def _end_at(self, due: float) -> None:
        self.due = due
        self._all.watch(due)

    def _cancel(self) -> None:
        if self._task is not None and not self._has_cancelled:
            self._has_cancelled = True
            self._task.cancel()


class Deadlines:
    """The calls and pauses under way in one client. One alarm wakes them all: calls are many."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._under_way: set[Deadline] = set()
        self._alarm: asyncio.TimerHandle | None = None

    def deadline(self, seconds: float | None) -> Deadline:
        return Deadline(self.clock, seconds, self)

    def enter(self, deadline: Deadline) -> asyncio.AbstractEventLoop:
        if self.closed:
            raise ClientClosed("the client is closed")
        loop = self._loop = self._checked_loop()
        self._under_way.add(deadline)
        return loop

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
        self._checked_loop()
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

    def _checked_loop(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        if self._loop is not None and self._loop is not loop:
            raise RuntimeError("a client belongs to the event loop of its first call")
        return loop
