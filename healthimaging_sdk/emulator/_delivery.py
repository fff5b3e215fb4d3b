"""How an answer leaves: whole, or as the fault wants that the request has met."""

import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import web

from healthimaging_sdk._protocol import HttpResponse
from healthimaging_sdk.emulator._faults import Fault, FaultKind

_PORTIONS_PER_SECOND = 10

# Closing with a linger time of zero sends a reset in place of an orderly end.
_LINGER_NOT = struct.pack("ii", 1, 0)


async def deliver(
    request: web.BaseRequest,
    answer: HttpResponse,
    fault: Fault | None,
    sleep: Callable[[float], Awaitable[object]],
) -> web.StreamResponse:
    whole = web.Response(status=answer.status, headers=answer.headers, body=answer.body)
    match fault.kind if fault else None:
        case FaultKind.RESET:
            _end(request, reset=True)
        case FaultKind.LOST:
            _end(request)
        case FaultKind.TRUNCATED:
            response = await _begin(request, answer)
            with suppress(ConnectionError):
                await response.write(answer.body[: len(answer.body) // 2])
            _end(request)
            return response
        case FaultKind.SLOW if fault is not None and fault.value is not None:
            response = await _begin(request, answer)
            with suppress(ConnectionError):
                await _send_slowly(response, answer.body, fault.value, sleep)
            return response
        case _:
            pass
    return whole


def has_no_answer(fault: Fault | None) -> bool:
    return fault is not None and fault.kind in (FaultKind.RESET, FaultKind.LOST)


def _end(request: web.BaseRequest, *, reset: bool = False) -> None:
    """Close the connection; what is sent on it afterwards goes nowhere."""
    transport = request.transport
    if transport is None:  # the client was faster
        return
    if reset:
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    transport.close()


async def _begin(request: web.BaseRequest, answer: HttpResponse) -> web.StreamResponse:
    headers = {**answer.headers, "Content-Length": str(len(answer.body))}
    response = web.StreamResponse(status=answer.status, headers=headers)
    with suppress(ConnectionError):  # of a client that has gone away
        await response.prepare(request)
    return response


async def _send_slowly(
    response: web.StreamResponse,
    body: bytes,
    bytes_per_second: float,
    sleep: Callable[[float], Awaitable[object]],
) -> None:
    size = max(1, round(bytes_per_second / _PORTIONS_PER_SECOND))
    for start in range(0, len(body), size):
        portion = body[start : start + size]
        await sleep(len(portion) / bytes_per_second)
        await response.write(portion)
