"""The server for machines without nginx."""

import asyncio
import ssl
import sys
from pathlib import Path


class _Files(asyncio.Protocol):
    """Just enough HTTP for clients that send one request at a time on a connection."""

    connections = 0

    def __init__(self, answers: dict[str, bytes]) -> None:
        self._answers = answers
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        _Files.connections += 1
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
        if not end or len(body) < int(length or 0):
            return
        self._received = b""
        path, _, query = head.split(b" ", 2)[1].decode().partition("?")
        if path.endswith("/listImageSetVersions"):
            token = next((each[10:] for each in query.split("&") if "nextToken=" in each), "")
            path = f"{path}-{token}"
        assert isinstance(self._transport, asyncio.Transport)
        self._transport.write(self._status() if path == "/status" else self._answers[path])

    def _status(self) -> bytes:
        """As nginx words it: accepted, handled, requests."""
        text = f"{self.connections} {self.connections} 0"
        return f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()


def _answers_below(folder: Path) -> dict[str, bytes]:
    answers: dict[str, bytes] = {}
    for file in filter(Path.is_file, folder.rglob("*")):
        body = file.read_bytes()
        kind = "application/octet-stream" if file.name == "getImageFrame" else "application/json"
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        if file.name == "getImageSetMetadata":
            head += "Content-Encoding: gzip\r\n"
        answers[f"/{file.relative_to(folder)}"] = f"{head}\r\n".encode() + body
    return answers


async def _serve(folder: Path, port: int, certificate: list[str]) -> None:
    answers = _answers_below(folder)
    tls = None
    if certificate:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*certificate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Files(answers), "127.0.0.1", port, ssl=tls)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
