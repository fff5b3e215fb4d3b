"""One HTTP request and its answer: the client's only door to aiohttp (rule R-14)."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from typing import Self, cast

import aiohttp
from aiohttp.connector import Connection
from attrs import define, field
from yarl import URL

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


@define
class Message:
    """A signed request: exactly these bytes go out."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@define(eq=False)
class _Hold:
    """A connection as a response sees it, who cannot give it back before it has been judged.

    aiohttp would lend it to the next request at the last byte, whatever the answer was.
    """

    _connection: Connection

    @property
    def protocol(self) -> object:
        return self._connection.protocol

    @property
    def transport(self) -> asyncio.Transport | None:
        return self._connection.transport

    def close(self) -> None:
        self._connection.close()

    def release(self) -> None:
        """Not yet."""


class _Response(aiohttp.ClientResponse):
    held: Connection

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        self.held = connection
        return await super().start(cast("Connection", _Hold(connection)))


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
        case aiohttp.ServerTimeoutError():
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


@define(eq=False)
class Answer:
    """An answer whose head has arrived, to be ended by `close` or `abort`."""

    _response: aiohttp.ClientResponse
    _on_close: Callable[[], None] | None
    _held: Connection | None = field(init=False)
    report: CallReport | None = field(default=None, init=False)
    """To be told, at the end, how much arrived."""

    status: int = field(init=False)
    headers: Mapping[str, str] = field(init=False)
    """Case does not matter in its names."""

    def __attrs_post_init__(self) -> None:
        # A test that replaces aiohttp's transport brings a response without a connection.
        self._held = getattr(self._response, "held", None)
        self.status = self._response.status
        self.headers = self._response.headers

    @property
    def content_encoding(self) -> str | None:
        """What its headers say, all of them: a body can be encoded twice."""
        return ", ".join(self._response.headers.getall("Content-Encoding", ())) or None

    async def read(self, limit: int | None = None) -> bytes:
        """The whole body. Raises `ResponseDecodeError` beyond the limit."""
        if limit is not None and (self._response.content_length or limit + 1) > limit:
            return await self._read_bounded(limit)
        try:
            return await self._response.read()
        except FAULTS as error:
            raise _translated(error) from None

    async def _read_bounded(self, limit: int) -> bytes:
        body = bytearray()
        while chunk := await self.read_some():
            body += chunk
            if len(body) > limit:
                error = ResponseDecodeError(f"the answer is larger than {limit} bytes")
                error.retryable = False
                raise error
        return bytes(body)

    async def read_start(self, limit: int) -> bytes:
        """As much of the body as the limit allows; never raises for what it holds."""
        body = bytearray()
        while len(body) < limit and (chunk := await self.read_some()):
            body += chunk
        return bytes(body[:limit])

    async def read_some(self) -> bytes:
        """The next bytes that arrive; nothing at the end. May be cancelled and called again."""
        try:
            return await self._response.content.readany()
        except FAULTS as error:
            raise _translated(error) from None

    def close(self) -> None:
        """Frees the connection: for another request if all was read, and nothing is wrong."""
        if self.status < 500 and self._response.content.at_eof():
            self._response.release()
            # Unless something of the request is still to be sent, the response has let go.
            if self._held is not None and self._response.connection is None:
                self._held.release()
        self.abort()

    def abort(self) -> None:
        """Ends the connection, unless it was freed before."""
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            if self.report is not None:
                self.report.received_bytes += self._response.content.total_bytes
            self._response.close()
            if self._held is not None:
                self._held.close()
            on_close()


@define(eq=False)
class Transport:
    """A pool of connections. `fresh` requests get a connection that nobody has used before."""

    config: Config
    tls: ssl.SSLContext | None
    slots: asyncio.Semaphore = field(init=False)
    _timeout: aiohttp.ClientTimeout = field(init=False)
    _pooled: aiohttp.ClientSession = field(init=False)
    _fresh: aiohttp.ClientSession | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.slots = asyncio.Semaphore(self.config.pool_size)
        self._timeout = aiohttp.ClientTimeout(
            total=None,
            sock_connect=self.config.connect_timeout,
            sock_read=self.config.read_timeout,
            # aiohttp rounds timeouts above this up to whole seconds.
            ceil_threshold=float("inf"),
        )
        self._pooled = self._session(force_close=False)

    def _session(self, *, force_close: bool) -> aiohttp.ClientSession:
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
            response_class=_Response,
            skip_auto_headers=("User-Agent", "Accept", "Content-Type"),
        )

    async def send(self, message: Message, *, fresh: bool) -> Answer:
        """Sends once and waits for the head of the answer.

        The caller has acquired one of `slots`; it is free again when the answer is closed, or
        at once if none comes.
        """
        session = self._pooled
        if fresh:
            session = self._fresh = self._fresh or self._session(force_close=True)
        try:
            response = await session.request(
                message.method,
                URL(message.url, encoded=True),
                data=message.body or None,
                headers=message.headers,
                allow_redirects=False,
                proxy=self.config.proxy,
                middlewares=None if message.method == "POST" else (_no_second_sending,),
            )
        except FAULTS as error:
            self.slots.release()
            raise _translated(error) from None
        except BaseException:
            self.slots.release()
            raise
        return Answer(response, self.slots.release)

    async def aclose(self) -> None:
        """Closes every connection, and returns when they are closed."""
        await self._pooled.close()
        if self._fresh is not None:
            await self._fresh.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
