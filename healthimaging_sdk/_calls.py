"""A call, from a request object to its response: bounded, repeated, and accounted for."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import frozen

from healthimaging_sdk._conflicts import Conflicts, expectations, member, repetition_of
from healthimaging_sdk._deadlines import Deadlines
from healthimaging_sdk._exchange import Exchange, Receive
from healthimaging_sdk._lazy import LazyModule
from healthimaging_sdk._logs import waiting_for_lock
from healthimaging_sdk._operation import Operation, Repetition, Request, Response
from healthimaging_sdk._pacing import Pacer
from healthimaging_sdk._protocol import HttpResponse, read_response, write_request
from healthimaging_sdk._retrying import Call, RetryPolicy, RetryQuota
from healthimaging_sdk._transport import MAX_JSON, Answer
from healthimaging_sdk.config import Config, max_attempts
from healthimaging_sdk.errors import (
    BodyTruncated,
    ClientClosed,
    DeadlineExceeded,
    HealthImagingError,
    Outcome,
    ServiceError,
    TransportError,
    WriteOutcomeUnknown,
)
from healthimaging_sdk.image_sets import GET_IMAGE_SET, GetImageSetRequest, GetImageSetResponse
from healthimaging_sdk.reports import CallReport, observed

if TYPE_CHECKING:
    from healthimaging_sdk import _streams as streams
else:
    streams = LazyModule("healthimaging_sdk._streams")

Result = TypeVar("Result")


@frozen(eq=False, repr=False)
class Opened:
    """What a client makes at its first call, and how it is closed."""

    exchange: Exchange
    aclose: Callable[[], Awaitable[None]]


class Caller:
    """Everything that a client's calls share: connections, credentials, quota, pace, an end."""

    def __init__(
        self, config: Config, open_with: Callable[[Pacer], Coroutine[Any, Any, Opened]]
    ) -> None:
        self.config = config
        self._open = open_with
        self._deadlines = Deadlines(config.clock)
        self._pacer = Pacer(config.pacing, config.clock, config.sleep)
        self._policy = RetryPolicy(max_attempts(config), RetryQuota(), config.sleep, config.random)
        self._opening: asyncio.Task[Opened] | None = None
        self._opened: Opened | None = None
        self._streaming: set[Answer] = set()

    def call(
        self,
        operation: Operation[Request, Response],
        request: Request,
        within: float | None = None,
    ) -> Awaitable[Response]:
        """The response, in `within` seconds if they are fewer than the configured deadline.

        No coroutine itself: each between a call and its socket costs on every way back, and is
        one more object that the garbage collector visits while the call waits.
        """
        if self.config.observers:
            return self._observed(operation, request, within)
        return self._perform(operation, request, self._receive, within, None)

    async def _observed(
        self, operation: Operation[Request, Response], request: Request, within: float | None
    ) -> Response:
        with observed(self.config.observers, CallReport(operation.name)) as report:
            return await self._perform(operation, request, self._receive, within, report)

    async def _receive(self, operation: Operation[Any, Response], answer: Answer) -> Response:
        if operation.gzipped:
            body = await streams.read_metadata(answer, self.config.max_decoded_bytes)
        else:
            body = await answer.read(None if operation.blob else MAX_JSON)
        response = read_response(operation, HttpResponse(answer.status, answer.headers, body))
        answer.close()
        return response

    @asynccontextmanager
    async def stream(
        self, operation: Operation[Request, Response], request: Request
    ) -> "AsyncGenerator[streams.BlobStream, None]":
        """The body of a blob operation; the deadline ends when its head has arrived."""

        with observed(self.config.observers, CallReport(operation.name)) as report:
            answer = await self._perform(operation, request, _head, None, report)
            self._streaming.add(answer)
            try:
                yield streams.BlobStream.of(
                    answer,
                    gzip_limit=self.config.max_decoded_bytes if operation.gzipped else None,
                    clock=self.config.clock,
                    failure=self._as_closed,
                )
            finally:
                self._streaming.discard(answer)
                answer.close()

    async def pause(self, seconds: float) -> None:
        """Sleeps; the end of the client ends the sleep."""
        with self._deadlines.deadline(None):
            await self.config.sleep(seconds)

    async def aclose(self) -> None:
        """Ends the calls under way with `ClientClosed`; returns when all is closed."""
        self._deadlines.close()
        opening = self._opening
        if opening is None:
            return
        for answer in self._streaming:
            answer.abort()  # its reader would wait on, for aiohttp does not wake it
        opening.cancel()
        await asyncio.wait([opening])
        if not opening.cancelled() and opening.exception() is None:
            await opening.result().aclose()

    async def _perform(
        self,
        operation: Operation[Request, Any],
        request: Request,
        receive: Receive[Result],
        within: float | None,
        report: CallReport | None,
    ) -> Result:
        seconds = self.config.deadline
        if within is not None and (seconds is None or within < seconds):
            seconds = within
        deadline = self._deadlines.deadline(seconds)
        repetition, most = repetition_of(operation, request), self._policy.max_attempts
        call = Call(operation.name, repetition, deadline, most, report)
        try:
            with deadline:
                opened = self._opened or await self._open_once()
                if report is not None:
                    report.region = opened.exchange.region
                return await self._repeat(opened.exchange, call, operation, request, receive)
        except HealthImagingError as error:
            final = self._final(call, operation, request, error)
            if final is error:
                raise
            raise final from error

    def _repeat(
        self,
        exchange: Exchange,
        call: Call,
        operation: Operation[Request, Any],
        request: Request,
        receive: Receive[Result],
    ) -> Awaitable[Result]:
        written = write_request(operation, request)
        attempt = partial(exchange.attempt, call, operation, request, written, receive)
        if operation.targets:
            attempt = partial(self._explained, attempt, exchange, call, operation, request)
        return self._policy.run(call, attempt)

    async def _explained(
        self,
        attempt: Callable[[], Awaitable[Result]],
        exchange: Exchange,
        call: Call,
        operation: Operation[Request, Any],
        request: Request,
    ) -> Result:
        """The attempt of a write to an image set. What refuses it is looked into."""
        try:
            return await attempt()
        except ServiceError as error:
            call.refusal = error
            explained = await self._explain(exchange, call, operation, request, error)
            call.refusal = None
            if explained is error:
                raise
            raise explained from error

    async def _explain(
        self,
        exchange: Exchange,
        call: Call,
        operation: Operation[Request, Any],
        request: Request,
        error: ServiceError,
    ) -> HealthImagingError:
        """What a refused write means; the looks are reads within the write's own deadline."""
        datastore_id = str(member(request, "datastore_id"))

        async def look(image_set_id: str) -> GetImageSetResponse:
            asked = GetImageSetRequest(datastore_id=datastore_id, image_set_id=image_set_id)
            reading = Call(
                GET_IMAGE_SET.name,
                Repetition.READ,
                call.deadline,
                call.max_attempts,
                call.report,
            )
            return await self._repeat(exchange, reading, GET_IMAGE_SET, asked, self._receive)

        async def pause(seconds: float) -> None:
            waiting_for_lock(operation.name, seconds)
            await self.config.sleep(seconds)

        conflicts = Conflicts(look, pause, self.config.random)
        return await conflicts.explain(error, expectations(operation, request), call)

    def _final(
        self,
        call: Call,
        operation: Operation[Request, Any],
        request: Request,
        error: HealthImagingError,
    ) -> HealthImagingError:
        """The error that leaves the call, with what the call knows."""
        error = self._as_closed(error)
        if isinstance(error, DeadlineExceeded | ClientClosed):
            error.outcome = call.outcome
        if isinstance(error, DeadlineExceeded) and call.refusal is not None:
            # The write was answered; what the deadline cut was only our look into it.
            error = call.refusal
            error.retry_stopped_by = "deadline"
        earlier = tuple(failure for failure in call.failures if failure is not error)
        unknown = error.outcome is Outcome.UNKNOWN and not isinstance(error, WriteOutcomeUnknown)
        if unknown and call.repetition is Repetition.UNGUARDED and not self._deadlines.closed:
            ids = {name: str(getattr(request, name)) for name in operation.labels}
            error = WriteOutcomeUnknown(operation.name, ids, (*earlier, error))
        error.operation_name = operation.name
        error.attempts = call.attempts
        error.prior_outcome_unknown = any(each.outcome is Outcome.UNKNOWN for each in earlier)
        return error

    def _as_closed(self, error: HealthImagingError) -> HealthImagingError:
        """A connection that was lost because the client was closed is no fault of the network."""
        if self._deadlines.closed and isinstance(error, TransportError | BodyTruncated):
            return ClientClosed("the client was closed during the call", error.outcome)
        return error

    async def _open_once(self) -> Opened:
        """The connections, made once for all calls; a caller that is cancelled breaks nothing."""
        if self._opening is None or _has_failed(self._opening):
            self._opening = asyncio.create_task(self._open(self._pacer))
        self._opened = opened = await asyncio.shield(self._opening)
        return opened


async def _head(_: Operation[Any, Any], answer: Answer) -> Answer:
    return answer


def _has_failed(opening: "asyncio.Task[Opened]") -> bool:
    return opening.done() and (opening.cancelled() or opening.exception() is not None)
