"""A raw HTTP server on loopback that answers by a script and keeps a record of what it was sent.

It knows nothing of the client: what it counted is the evidence.
"""

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Self

from attrs import define, field, frozen


@frozen
class Received:
    """A request as it stood on the wire; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    connection: int


@define(eq=False)
class Connection:
    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Ends the connection with a TCP reset."""
        raw: socket.socket = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Step = Callable[[Connection, Received], Awaitable[None]]


def head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {text}" for name, text in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def answer(
    status: int = 200,
    body: bytes | Mapping[str, object] = b"{}",
    headers: Mapping[str, str] | None = None,
) -> Step:
    """A complete answer; a mapping is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {
        "Content-Type": "application/json",
        "Content-Length": str(len(content)),
        **(headers or {}),
    }

    async def step(connection: Connection, _: Received) -> None:
        await connection.send(head(status, fields) + content)

    return step


def error(
    status: int, code: str, message: str = "", headers: Mapping[str, str] | None = None
) -> Step:
    fields = {"x-amzn-ErrorType": code, "x-amzn-RequestId": "a-request-id", **(headers or {})}
    return answer(status, {"message": message}, fields)


def raw(data: bytes) -> Step:
    """These bytes, and then the end of the connection."""

    async def step(connection: Connection, _: Received) -> None:
        await connection.send(data)
        connection.writer.close()

    return step


def cut(body: bytes, *, at: int, headers: Mapping[str, str] | None = None) -> Step:
    """An answer that promises the whole body and ends after `at` bytes of it."""
    fields = {"Content-Length": str(len(body)), **(headers or {})}
    return raw(head(200, fields) + body[:at])


async def reset(connection: Connection, _: Received) -> None:
    connection.reset()


async def silence(connection: Connection, _: Received) -> None:
    """No answer until the client gives up."""
    await connection.reader.read()


def chunks(*parts: bytes, headers: Mapping[str, str] | None = None) -> Step:
    """A chunked answer, a chunk for each part; `b""` keeps quiet until the client gives up."""
    fields = {"Transfer-Encoding": "chunked", **(headers or {})}

    async def step(connection: Connection, received: Received) -> None:
        await connection.send(head(200, fields))
        for part in parts:
            if not part:
                await silence(connection, received)
                return
            await connection.send(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        await connection.send(b"0\r\n\r\n")

    return step


async def tunnel(connection: Connection, received: Received) -> None:
    """What a proxy does with CONNECT: bytes go both ways until one side ends."""
    host, port = received.target.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    await connection.send(head(200, {}))
    await asyncio.gather(
        _pump(connection.reader, writer),
        _pump(reader, connection.writer),
    )


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(64 * 1024):
        writer.write(data)
        await writer.drain()
    writer.close()


@define(eq=False)
class ScriptedServer:
    """Gives each request the next step of its script; the last step serves all further ones."""

    steps: list[Step]
    requests: list[Received] = field(factory=list[Received])
    connections: int = 0
    open_connections: int = 0
    port: int = 0
    tls: ssl.SSLContext | None = None
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(factory=set[asyncio.StreamWriter])

    @property
    def url(self) -> str:
        assert self._server is not None
        scheme = "https" if self.tls else "http"
        return f"{scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.drop_connections()
        await self._server.wait_closed()

    def drop_connections(self) -> None:
        """Closes every connection from the server's side."""
        for writer in self._writers:
            writer.transport.abort()

    async def all_closed(self) -> None:
        """Returns when the client has closed every connection."""
        while self.open_connections:  # noqa: ASYNC110  # each end is seen by a task of its own
            await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_connections += 1
        self._writers.add(writer)
        connection = Connection(self.connections, reader, writer)
        try:
            while not writer.is_closing() and (received := await _receive(connection)) is not None:
                self.requests.append(received)
                step = self.steps[min(len(self.requests), len(self.steps)) - 1]
                await step(connection, received)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client is gone, which the tests look at from its own side
        finally:
            self.open_connections -= 1
            self._writers.discard(writer)
            writer.close()


async def _receive(connection: Connection) -> Received | None:
    try:
        text = (await connection.reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    request, *lines = text.rstrip("\r\n").split("\r\n")
    method, target, _ = request.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    body = await connection.reader.readexactly(int(headers.get("content-length", 0)))
    return Received(method, target, headers, body, connection.number)
