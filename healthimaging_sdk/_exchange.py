"""One attempt of a call: its turn, a connection, a signature, the request, the answer."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from attrs import define, field

from healthimaging_sdk._credentials import (
    BotocoreCredentials,
    CredentialProvider,
    Credentials,
)
from healthimaging_sdk._endpoints import Endpoint
from healthimaging_sdk._logs import attempt_ended, attempts_are_logged, clock_corrected
from healthimaging_sdk._operation import Operation, Repetition
from healthimaging_sdk._pacing import Pacer
from healthimaging_sdk._protocol import REQUEST_ID, HttpRequest, HttpResponse, read_error
from healthimaging_sdk._retrying import Call
from healthimaging_sdk._signing import Signer
from healthimaging_sdk._transport import MAX_ERROR, Answer, Transport
from healthimaging_sdk.errors import HealthImagingError, Outcome, ServiceError
from healthimaging_sdk.reports import AttemptReport, error_code

Result = TypeVar("Result")
Receive = Callable[[Operation[Any, Any], Answer], Awaitable[Result]]

EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException"})
SKEW_CODES = frozenset(
    {
        "AccessDeniedException",
        "AuthFailure",
        "InvalidSignatureException",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
    }
)
MAX_SKEW = 4 * 60.0
"""Seconds that the clocks may be apart before ours is corrected (rule R-12)."""


@define(eq=False, repr=False)
class Exchange:
    """What the attempts of all calls share."""

    region: str
    endpoint: Endpoint
    signer: Signer
    credentials: CredentialProvider
    transport: Transport
    pacer: Pacer
    clock: Callable[[], float]
    headers: Mapping[str, str]
    """Those of every request."""

    skew: float = field(default=0.0, init=False)
    """Seconds that the service's clock is ahead of ours."""

    async def attempt(
        self,
        call: Call,
        operation: Operation[Any, Any],
        request: object,
        written: HttpRequest,
        receive: Receive[Result],
    ) -> Result:
        """What `receive` makes of the answer; it closes the answer, unless it fails."""
        call.attempts += 1
        await self._turn(call, operation)
        try:
            credentials = await self.credentials.get()
            skew = self.skew
            url = self.endpoint.base_url(operation.host_prefix) + written.target
            headers = self._signed(call, url, written, credentials)
        except BaseException:
            self.transport.slots.release()
            raise
        # An old connection may be dying: for what must not be sent twice, a new one.
        fresh = call.repetition is Repetition.UNGUARDED
        sent_at = self.clock()
        call.outcome = Outcome.UNKNOWN
        answer: Answer | None = None
        try:
            answer = await self.transport.send(
                written.method, url, headers, written.body, fresh=fresh
            )
            answer.report = call.report
            result = await _received(answer, operation, request, receive)
        except BaseException as error:
            if isinstance(error, HealthImagingError):
                call.outcome = error.outcome
            if answer is not None:
                answer.abort()
            self._tell(call, sent_at, answer, error)
            if isinstance(error, ServiceError):
                await self._learn(error, operation, sent_at, credentials, skew)
            raise
        if call.report is not None or attempts_are_logged():
            self._tell(call, sent_at, answer, None)
        self.pacer.succeeded(operation.name)
        return result

    async def _turn(self, call: Call, operation: Operation[Any, Any]) -> None:
        """Waits for the operation's pace, which no deadline counts, and for a connection."""
        name, rate, deadline = operation.name, operation.rate, call.deadline
        while True:
            bucket = self.pacer.bucket(name, rate)
            if bucket is not None:
                # Turns that were taken while these were slow to come would be used all at once.
                await self.credentials.get()
                began = self.clock()
                deadline.pause()
                try:
                    await self.pacer.wait(bucket)
                finally:
                    paced = self.clock() - began
                    if call.report is not None:
                        call.report.pacing_seconds += paced
                deadline.resume(paced)
            await self.transport.slots.acquire()
            if self.pacer.bucket(name, rate) is bucket:
                return
            # The service began to throttle while this call queued for a connection.
            self.transport.slots.release()

    def _signed(
        self, call: Call, url: str, written: HttpRequest, credentials: Credentials
    ) -> Mapping[str, str]:
        return self.signer.sign(
            method=written.method,
            url=url,
            headers={
                **self.headers,
                **written.headers,
                "amz-sdk-invocation-id": call.invocation_id,
                "amz-sdk-request": f"attempt={call.attempts}; max={call.max_attempts}",
            },
            body=written.body,
            credentials=credentials,
            skew=self.skew,
        )

    def _tell(
        self, call: Call, sent_at: float, answer: Answer | None, error: BaseException | None
    ) -> None:
        """What became of an attempt."""
        attempt = AttemptReport(
            operation_name=call.operation_name,
            number=call.attempts,
            seconds=self.clock() - sent_at,
            status_code=answer.status if answer else None,
            request_id=answer.headers.get(REQUEST_ID) if answer else None,
            error_code=error_code(error) if error else None,
            throttled=isinstance(error, ServiceError) and error.is_throttling,
            outcome=call.outcome if error else None,
        )
        if call.report is not None:
            call.report.attempts.append(attempt)
        if attempts_are_logged():
            attempt_ended(attempt)

    async def _learn(
        self,
        error: ServiceError,
        operation: Operation[Any, Any],
        sent_at: float,
        used: Credentials,
        skew: float,
    ) -> None:
        """What a refusal says of the pace, the clock and the credentials."""
        if error.is_throttling:
            self.pacer.throttled(operation.name, operation.rate, sent_at)
        elif error.code in EXPIRED_CODES:
            provider = self.credentials
            if isinstance(provider, BotocoreCredentials):
                error.retryable = await provider.refresh(used) != used
            else:
                error.retryable = await provider.get() != used
        elif error.code in SKEW_CODES:
            ahead = error.server_ahead
            if ahead is not None and abs(ahead - skew) > MAX_SKEW:
                self.skew = ahead
                clock_corrected(ahead)
                error.retryable = True


async def _received(
    answer: Answer,
    operation: Operation[Any, Any],
    request: object,
    receive: Receive[Result],
) -> Result:
    if 200 <= answer.status < 300:
        return await receive(operation, answer)
    body = await answer.read_start(MAX_ERROR)
    answer.close()
    raise read_error(operation.name, request, HttpResponse(answer.status, answer.headers, body))
