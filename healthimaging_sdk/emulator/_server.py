"""aiohttp's server, with an answer of ours to what it cannot read as HTTP.

Its own answer and its log would repeat the bytes that were sent.
"""

import asyncio
import logging
import uuid
from typing import Any

from aiohttp import web

from healthimaging_sdk._protocol import write_error
from healthimaging_sdk.errors import ServiceError


class Server(web.Server):
    def __call__(self) -> web.RequestHandler:
        loop = asyncio.get_running_loop()
        # `None` turns it off, as aiohttp documents; its annotation forgot.
        no_log: Any = None
        return _Connection(self, loop=loop, access_log=no_log, logger=_quiet_log())


class _Connection(web.RequestHandler):
    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        super().handle_error(request, status, exc, message)
        code = "MalformedHttpRequestException" if status == 400 else "InternalServerException"
        error = ServiceError("The request cannot be read.", code=code, status_code=status)
        answer = write_error(error)
        headers = {**answer.headers, "x-amzn-RequestId": str(uuid.uuid4())}
        response = web.Response(status=status, headers=headers, body=answer.body)
        response.force_close()
        return response


def _quiet_log() -> logging.Logger:
    """aiohttp's log of unreadable requests, without the traceback that quotes their bytes."""
    log = logging.getLogger("healthimaging_sdk.emulator.http")
    if not log.filters:
        log.addFilter(_without_traceback)
    return log


def _without_traceback(record: logging.LogRecord) -> bool:
    record.exc_info = None
    return True
