"""A TCP relay that can lose an answer after the server has done what it was asked."""

import asyncio
from collections.abc import Iterable
from typing import Self
from urllib.parse import urlsplit

from attrs import define, field


@define(eq=False)
class LosingProxy:
    """Relays whole requests and answers; drops the connection instead of the next lost ones."""

    target: str
    _losses: list[bool] = field(factory=list[bool])
    _server: asyncio.Server | None = None

    def lose(self, losses: Iterable[bool]) -> None:
        """For each of the next answers, whether it gets lost."""
        self._losses = list(losses)

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = urlsplit(self.target)
        behind, ahead = await asyncio.open_connection(address.hostname, address.port)
        try:
            while request := await _message(reader):
                ahead.write(request)
                answer = await _message(behind)
                if self._losses and self._losses.pop(0):
                    break
                writer.write(answer)
        finally:
            ahead.close()
            writer.close()


async def _message(reader: asyncio.StreamReader) -> bytes:
    """A request or an answer with a Content-Length, or nothing at the end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    fields = (line.partition(b":") for line in head.lower().split(b"\r\n"))
    lengths = [int(value) for name, _, value in fields if name == b"content-length"]
    return head + await reader.readexactly(sum(lengths))
