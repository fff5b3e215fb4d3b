"""One HTTP request and its answer: the client's only door to aiohttp (rule R-14)."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from typing import Any, Self, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import StreamWriter
from aiohttp.typedefs import LooseHeaders
from attrs import define, field
from multidict import CIMultiDict
from yarl import URL

from healthimaging_sdk._silence import Silence
from healthimaging_sdk.config import Config
from healthimaging_sdk.errors import (
    BodyTruncated,
    HealthImagingError,
    Outcome,
    ResponseDecodeError,
    TransportError,
)
from healthimaging_sdk.reports import CallReport

READ_BUFFER = 256 * 1024
MAX_JSON = 16 * 2**20
MAX_ERROR = 64 * 1024


@define(eq=False, repr=False)
class _Hold:
    """A connection as a response sees it, who cannot give it back before it has been judged.

    aiohttp would lend it to the next request at the last byte, whatever the answer was.
    """

    protocol: ResponseHandler
    transport: asyncio.Transport | None
    _connection: Connection

    def close(self) -> None:
        _close(self._connection)

    def release(self) -> None:
        """Not yet."""


class _Request(aiohttp.ClientRequest):
    """The signed headers and body as they are, in one write.

    aiohttp would copy the headers, look for some to add, and on Python 3.11 begin a task to
    write a body: a tenth of what a call costs.
    """

    _signed_body: bytes

    def update_headers(self, headers: LooseHeaders | None) -> None:
        self.headers = cast("CIMultiDict[str]", headers)  # a copy, made by the session

    def _add_nothing(self, *_: Any, **__: Any) -> None:
        """What is sent was signed."""

    update_auto_headers = update_auth = update_cookies = update_content_encoding = _add_nothing
    update_transfer_encoding = update_expect_continue = update_host = _add_nothing

    def update_body_from_data(self, body: bytes, _stacklevel: int = 3) -> None:
        self._signed_body = body
        if self.method != "GET":
            self.headers["Content-Length"] = str(len(body))

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        through_proxy = self.proxy is not None and not self.is_ssl()
        target = str(self.url) if through_proxy else self.url.raw_path_qs
        writer = StreamWriter(cast("ResponseHandler", conn.protocol), self.loop)
        await writer.write_headers(f"{self.method} {target} HTTP/1.1", self.headers)
        # The body is in memory already: nothing is gained by waiting until the server reads it.
        await writer.write(self._signed_body, drain=False)
        return self.response_class(
            self.method,
            self.url,
            writer=None,
            continue100=None,
            timer=self._timer,
            request_info=self.request_info,
            traces=[],
            loop=self.loop,
            session=self.session,
            stream_writer=writer,
        )


class _Response(aiohttp.ClientResponse):
    silence: Silence
    held: Connection

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        self.held = connection
        protocol = cast("ResponseHandler", connection.protocol)
        self.silence.begin(protocol)
        try:
            held = _Hold(protocol, connection.transport, connection)
            return await super().start(cast("Connection", held))
        except BaseException:
            _close(connection)
            raise
        finally:
            self.silence.end(protocol)


def _has_sent_all(connection: Connection) -> bool:
    """A server may answer before it has read the whole request."""
    transport = connection.transport
    return transport is None or transport.get_write_buffer_size() == 0


def _close(connection: Connection) -> None:
    """At once: otherwise what is still to be sent would be sent first."""
    if connection.transport is not None and not _has_sent_all(connection):
        connection.transport.abort()
    connection.close()


class _Lost(Exception):
    """Hides a lost connection from aiohttp, which would send a GET or DELETE again by itself."""


async def _no_second_sending(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
        raise _Lost from None


def _translated(error: BaseException) -> HealthImagingError:
    """Our error for one of aiohttp's, without its text: that has URLs, headers and bodies."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return TransportError(
                "the server's certificate was refused", Outcome.NOT_SENT, retryable=False
            )
        case aiohttp.ClientConnectorDNSError():
            return TransportError("the host's name could not be resolved", Outcome.NOT_SENT)
        case aiohttp.ClientConnectorError():
            return TransportError("no connection could be made", Outcome.NOT_SENT)
        case aiohttp.ConnectionTimeoutError():
            return TransportError("no connection was made in time", Outcome.NOT_SENT)
        case TimeoutError():
            return TransportError("the server was silent for too long", Outcome.UNKNOWN)
        case aiohttp.ClientPayloadError():
            return BodyTruncated("the body ended early")
        case aiohttp.ClientHttpProxyError():
            return TransportError("the proxy made no connection", Outcome.NOT_SENT)
        case aiohttp.ClientResponseError():
            # aiohttp gives this status 400; the service never said so.
            return TransportError("the answer is not HTTP", Outcome.UNKNOWN)
        case _:
            return TransportError("the connection was lost", Outcome.UNKNOWN)


FAULTS = (aiohttp.ClientError, _Lost, OSError, TimeoutError)


@define(eq=False, repr=False)
class Answer:
    """An answer whose head has arrived, to be ended by `close` or `abort`."""

    status: int
    headers: Mapping[str, str]
    """Case does not matter in its names."""

    _response: aiohttp.ClientResponse
    _held: Connection | None
    _silence: Silence
    _on_close: Callable[[], None] | None
    report: CallReport | None = field(default=None, init=False)
    """To be told, at the end, how much arrived."""

    @property
    def content_encoding(self) -> str | None:
        """What its headers say, all of them: a body can be encoded twice."""
        return ", ".join(self._response.headers.getall("Content-Encoding", ())) or None

    async def read(self, limit: int | None = None) -> bytes:
        """The whole body. Raises `ResponseDecodeError` beyond the limit."""
        pieces: list[bytes] = []
        size = 0
        while not self._response.content.at_eof():
            piece = await self.read_some()
            pieces.append(piece)
            size += len(piece)
            if limit is not None and size > limit:
                error = ResponseDecodeError(f"the answer is larger than {limit} bytes")
                error.retryable = False
                raise error
        return b"".join(pieces)

    async def read_start(self, limit: int) -> bytes:
        """As much of the body as the limit allows; never raises for what it holds."""
        body = bytearray()
        while len(body) < limit and (chunk := await self.read_some()):
            body += chunk
        return bytes(body[:limit])

    async def read_some(self) -> bytes:
        """The next bytes that arrive; nothing at the end. May be cancelled and called again."""
        content = self._response.content
        try:
            arrived = content.read_nowait()
            if arrived or content.at_eof():
                return arrived
            self._silence.begin(content)
            try:
                return await content.readany()
            finally:
                self._silence.end(content)
        except FAULTS as error:
            raise _translated(error) from None

    def close(self) -> None:
        """Frees the connection: for another request if all was read, and nothing is wrong."""
        held, has_read_all = self._held, self._response.content.at_eof()
        if held is not None and has_read_all and self.status < 500 and _has_sent_all(held):
            held.release()
            self._held = None
        self.abort()

    def abort(self) -> None:
        """Ends the connection, unless it was freed before."""
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            if self.report is not None:
                self.report.received_bytes += self._response.content.total_bytes
            if not self._response.content.at_eof():
                self._response.close()
            if self._held is not None:
                _close(self._held)
            on_close()


class Transport:
    """A pool of connections. `fresh` requests get a connection that nobody has used before."""

    def __init__(self, config: Config, tls: ssl.SSLContext | None) -> None:
        self.config = config
        self.tls = tls
        self.slots = asyncio.Semaphore(config.pool_size)
        self._silence = Silence(config.read_timeout, asyncio.get_running_loop())
        self._timeout = aiohttp.ClientTimeout(
            total=None,
            sock_connect=config.connect_timeout,
            # aiohttp rounds timeouts above this up to whole seconds.
            ceil_threshold=float("inf"),
        )
        self._pooled = self._session(force_close=False)
        self._fresh: aiohttp.ClientSession | None = None

    def _session(self, *, force_close: bool) -> aiohttp.ClientSession:
        class Response(_Response):  # aiohttp makes them, and takes nothing but a class
            silence = self._silence

        connector = aiohttp.TCPConnector(
            limit=self.config.pool_size,
            ssl=self.tls if self.tls is not None else True,
            force_close=force_close,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            read_bufsize=READ_BUFFER,
            timeout=self._timeout,
            # One connection a request, and the server may know.
            headers={"Connection": "close"} if force_close else None,
            request_class=_Request,
            response_class=Response,
        )

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, *, fresh: bool
    ) -> Answer:
        """Sends exactly this, once, and waits for the head of the answer.

        The caller has acquired one of `slots`; it is free again when the answer is closed, or
        at once if none comes.
        """
        session = self._pooled
        if fresh:
            session = self._fresh = self._fresh or self._session(force_close=True)
        try:
            response = await session.request(
                method,
                URL(url, encoded=True),
                data=body,
                headers=headers,
                allow_redirects=False,
                proxy=self.config.proxy,
                middlewares=None if method == "POST" else (_no_second_sending,),
            )
        except FAULTS as error:
            self.slots.release()
            raise _translated(error) from None
        except BaseException:
            self.slots.release()
            raise
        # A test that replaces aiohttp's transport brings a response without a connection.
        held = getattr(response, "held", None)
        return Answer(
            response.status, response.headers, response, held, self._silence, self.slots.release
        )

    async def aclose(self) -> None:
        """Closes every connection, and returns when they are closed."""
        self._silence.close()
        await self._pooled.close()
        if self._fresh is not None:
            await self._fresh.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
