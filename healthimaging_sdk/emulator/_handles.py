"""Which function answers which operation; a wrong request or response is a type error."""

from collections.abc import Awaitable, Callable
from typing import Any

from attrs import field, frozen

from healthimaging_sdk._operation import Operation, Request, Response
from healthimaging_sdk.emulator._state import State

AnyHandler = Callable[[State, Any], Awaitable[Any]]


@frozen
class Handlers:
    """The handlers of a family: `@handles(CARD)` takes its type from the card."""

    by_operation: dict[str, AnyHandler] = field(factory=dict[str, AnyHandler])

    def __call__(
        self, operation: Operation[Request, Response]
    ) -> Callable[
        [Callable[[State, Request], Awaitable[Response]]],
        Callable[[State, Request], Awaitable[Response]],
    ]:
        def register(
            handler: Callable[[State, Request], Awaitable[Response]],
        ) -> Callable[[State, Request], Awaitable[Response]]:
            self.by_operation[operation.name] = handler
            return handler

        return register
