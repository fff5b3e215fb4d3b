"""From bytes to a handler and back: routes from the catalogue, signatures, errors on the wire.

What comes to the operations is signed; what comes to local pages must be of this machine.

It never answers with a traceback, and never logs what a request or an answer holds.
"""

import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from aiohttp import web
from attrs import define, evolve, field, frozen

from healthimaging_sdk._conversion import Misfit
from healthimaging_sdk._operation import Operation, Request, Response
from healthimaging_sdk._protocol import HttpResponse, read_request, write_error, write_response
from healthimaging_sdk.emulator import (
    copies,
    datastores,
    image_sets,
    import_jobs,
    search,
    tags,
    updates,
)
from healthimaging_sdk.emulator._control import PREFIX, LocalRequest
from healthimaging_sdk.emulator._delivery import deliver, has_no_answer
from healthimaging_sdk.emulator._faults import Fault, Faults
from healthimaging_sdk.emulator._handles import AnyHandler, Handlers
from healthimaging_sdk.emulator._journal import Journal, JournalEntry, attempt_in, ids_in
from healthimaging_sdk.emulator._negotiation import check_answer, check_request
from healthimaging_sdk.emulator._signatures import KeyPair, SignedRequest, verify
from healthimaging_sdk.emulator._state import State, wall_clock
from healthimaging_sdk.emulator._throttling import Throttling
from healthimaging_sdk.errors import (
    AccessDeniedException,
    InternalServerException,
    ParamValidationError,
    ServiceError,
    ValidationException,
)

FAMILIES = (datastores, import_jobs, image_sets, updates, copies, search, tags)

# The largest legal body: a copy document of 260,000 characters, each escaped in JSON.
LARGEST_BODY = 2 * 1024 * 1024
MOST_QUERY_PAIRS = 300
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

_log = logging.getLogger(__name__)


@frozen
class Route:
    operation: Operation[Any, Any]
    handler: AnyHandler
    segments: tuple[str, ...]

    def labels(self, method: str, segments: list[str]) -> dict[str, str] | None:
        """The path's labels by attribute, decoded once; `None` if it is another route's."""
        if method != self.operation.method or len(segments) != len(self.segments):
            return None
        labels: dict[str, str] = {}
        for ours, theirs in zip(self.segments, segments, strict=True):
            if ours.startswith("{"):
                labels[ours[1:-1]] = unquote(theirs)
            elif ours != theirs:
                return None
        return labels


def routes(
    catalogue: Iterable[Operation[Any, Any]], families: Iterable[Handlers]
) -> tuple[Route, ...]:
    """A route for each card. Raises `LookupError` naming a card that nobody handles."""
    handlers = {name: each for family in families for name, each in family.by_operation.items()}
    found: list[Route] = []
    for operation in catalogue:
        if operation.name not in handlers:
            raise LookupError(f"no handler for {operation.name}")
        segments = tuple(operation.path.split("/"))
        found.append(Route(operation, handlers[operation.name], segments))
    return tuple(found)


LocalPages = Callable[[LocalRequest], Awaitable[HttpResponse | None]]
"""Answers the paths that are its own, and `None` to those that are not."""


@define(eq=False, kw_only=True)
class Visit:
    """What is found out about a request on its way, for the journal."""

    request_id: str = field(factory=lambda: str(uuid.uuid4()))
    attempt: int | None
    began: float
    at: datetime = field(factory=wall_clock)
    operation: str | None = None
    ids: Mapping[str, str] = field(factory=dict[str, str])
    fault: Fault | None = None

    def entry(self, answer: HttpResponse, now: float) -> JournalEntry:
        is_silent = has_no_answer(self.fault)
        return JournalEntry(
            request_id=self.request_id,
            at=self.at,
            operation=self.operation,
            status=None if is_silent else answer.status,
            error=None if is_silent else answer.headers.get("x-amzn-errortype"),
            seconds=now - self.began,
            attempt=self.attempt,
            ids=self.ids,
            fault=self.fault.kind if self.fault else None,
        )


@define(eq=False, kw_only=True)
class Door:
    """The outermost door: every request comes in here, whatever it is."""

    state: State
    routes: tuple[Route, ...]
    credentials: KeyPair
    faults: Faults
    throttling: Throttling
    journal: Journal
    local_pages: Sequence[LocalPages] = ()
    any_host: bool = False
    """Whether other names than loopback ones may stand in `Host`, for a public address."""

    clock: Callable[[], float] = time.monotonic

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        attempt = attempt_in(request.headers.get("amz-sdk-request", ""))
        visit = Visit(attempt=attempt, began=self.clock())
        path = request.raw_path.partition("?")[0]
        is_local = path == "/" or path.startswith(PREFIX)
        try:
            if is_local:
                answer = await self._answer_locally(request, path)
            else:
                answer = await self._answer(request, path, visit)
        except ServiceError as error:
            answer = write_error(error)
        except Exception as error:  # noqa: BLE001 - nothing may leave here but an answer
            _log.error("request %s failed: %s", visit.request_id, type(error).__name__)
            answer = write_error(InternalServerException("An internal error occurred."))
        if not is_local:
            self.journal.add(visit.entry(answer, self.clock()))
        answer = evolve(answer, headers={**answer.headers, "x-amzn-RequestId": visit.request_id})
        return await deliver(request, answer, visit.fault, self.state.sleep)

    async def _answer_locally(self, request: web.BaseRequest, path: str) -> HttpResponse:
        if not (_is_loopback(f"//{request.headers.get('Host', '')}") and _is_from_here(request)):
            raise AccessDeniedException("The emulator is controlled from its own machine only.")
        self._check_origin(request.headers)
        headers = {name.lower(): text for name, text in request.headers.items()}
        asked = LocalRequest(
            method=request.method, path=path, headers=headers, body=await _read_body(request)
        )
        for pages in self.local_pages:
            answer = await pages(asked)
            if answer is not None:
                return answer
        raise _unknown_operation()

    async def _answer(self, request: web.BaseRequest, path: str, visit: Visit) -> HttpResponse:
        self._check_origin(request.headers)
        route, labels = self._find(request.method, path)
        operation = route.operation
        visit.operation, visit.ids = operation.name, ids_in(labels)
        body = await _read_body(request)
        self.throttling.check(operation)
        visit.fault = fault = self.faults.meet(operation.name)
        instead = fault.answer_instead() if fault else None
        if instead is not None:
            return instead
        now = self.state.now()
        headers = _headers(request)
        signed = SignedRequest(request.method, request.raw_path, headers, body)
        try:
            verify(signed, self.credentials, fault.skewed(now) if fault else now)
            check_request(operation, headers, body)
            asked = _read(operation, labels, request.raw_path.partition("?")[2], body)
            _log.debug("%s, request %s", operation.name, visit.request_id)
            answer = write_response(operation, await route.handler(self.state, asked))
            check_answer(operation, headers, answer.headers.get("content-type", ""))
        except ServiceError as error:
            answer = write_error(error)
        await self.state.saved()
        if fault is None:
            return answer
        if fault.delay:
            await self.state.sleep(fault.delay)
        return fault.spoiled(answer, now)

    def _check_origin(self, headers: Mapping[str, str]) -> None:
        """Refuses what a page in a browser could send under another name (DNS rebinding)."""
        host = headers.get("Host", "")
        if not self.any_host and not _is_loopback(f"//{host}"):
            raise AccessDeniedException("The emulator answers on loopback names only.")
        origin = headers.get("Origin")
        if origin is not None and not _is_loopback(origin):
            raise AccessDeniedException("The emulator does not answer pages of other origins.")

    def _find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        segments = path.split("/")
        for route in self.routes:
            labels = route.labels(method, segments)
            if labels is not None:
                return route, labels
        raise _unknown_operation()


def _unknown_operation() -> ServiceError:
    return ServiceError(
        "The operation is not known.", code="UnknownOperationException", status_code=404
    )


def _read(
    operation: Operation[Request, Response], labels: Mapping[str, str], query: str, body: bytes
) -> Request:
    try:
        pairs = parse_qs(query, keep_blank_values=True, max_num_fields=MOST_QUERY_PAIRS)
        return read_request(operation, labels, pairs, body)
    except (Misfit, ParamValidationError) as error:
        raise ValidationException(str(error)) from None
    except ValueError:
        raise ValidationException("The query string cannot be read.") from None


def _is_loopback(url: str) -> bool:
    try:
        name = urlsplit(url).hostname or ""
    except ValueError:
        return False
    # AWS's clients put the data plane's prefix before whatever they are given.
    name = name.removeprefix("runtime-")
    return name in LOOPBACK_NAMES or name.endswith(".localhost")


def _is_from_here(request: web.BaseRequest) -> bool:
    try:
        return ip_address(request.remote or "").is_loopback
    except ValueError:
        return False


def _headers(request: web.BaseRequest) -> dict[str, str]:
    names = set(request.headers)
    return {name.lower(): ",".join(request.headers.getall(name)) for name in names}


async def _read_body(request: web.BaseRequest) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > LARGEST_BODY:
                raise ServiceError(
                    "The request is too large.",
                    code="RequestEntityTooLargeException",
                    status_code=413,
                )
    except (web.RequestPayloadError, ConnectionError):
        raise ValidationException("The body cannot be read.") from None
    return bytes(body)
