"""A server far faster than the clients, so that only they are measured: nginx, or what we have.

It answers a POST with the file at the request's path, whatever the body says, and counts
connections.
"""

import asyncio
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.request import urlopen

SERVER_CPU, CLIENT_CPU = 0, 1

_NGINX = """
daemon off;
master_process off;
pid {work}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    client_body_temp_path {work}/body;
    proxy_temp_path {work}/proxy;
    fastcgi_temp_path {work}/fastcgi;
    uwsgi_temp_path {work}/uwsgi;
    scgi_temp_path {work}/scgi;
    sendfile on;
    tcp_nodelay on;
    keepalive_requests 100000000;
    keepalive_timeout 600;
    open_file_cache max=4000;
    default_type application/json;
    server {{
        listen 127.0.0.1:{port} backlog=2048;
        root {root};
        # A file cannot be POSTed to; what nginx answers then may be the file.
        location / {{ error_page 405 =200 $uri; }}
        location = /status {{ stub_status; }}
        location ~ /listImageSetVersions$ {{ rewrite ^ $uri-$arg_nextToken last; }}
        location ~ /getImageFrame$ {{
            error_page 405 =200 $uri;
            default_type application/octet-stream;
        }}
        location ~ /getImageSetMetadata$ {{
            error_page 405 =200 $uri;
            add_header Content-Encoding gzip;
        }}
    }}
}}
"""


@contextmanager
def serving(answers: Path, work: Path) -> Iterator[tuple[str, str]]:
    """The URL and the name of a server of the answers, on a core of its own."""
    port = _free_port()
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if nginx:
        name = "nginx"
        settings = work / "nginx.conf"
        settings.write_text(_NGINX.format(work=work, port=port, root=answers))
        command = [nginx, "-p", str(work), "-e", "stderr", "-c", str(settings)]
    else:
        name = "asyncio"
        command = [sys.executable, __file__, str(answers), str(port)]
    process = subprocess.Popen(command)
    try:
        pin(process.pid, SERVER_CPU)
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}", name
    finally:
        process.terminate()
        process.wait()


@contextmanager
def sleepless_cores() -> Iterator[bool]:
    """Whether they are: Linux lets root forbid them to sleep.

    To wake the server's core is a part of sending. In a virtual machine that takes up to a tenth
    of a client's CPU, the more often the longer it thinks between two requests.
    https://docs.kernel.org/power/pm_qos_interface.html
    """
    with ExitStack() as stack:
        try:
            latency = stack.enter_context(Path("/dev/cpu_dma_latency").open("wb", buffering=0))
            latency.write(struct.pack("i", 0))  # microseconds; forgotten when the file is closed
        except OSError:
            sleepless = False
        else:
            sleepless = True
        yield sleepless


def connections(url: str) -> int:
    """How many the server has accepted so far, this one included."""
    with urlopen(f"{url}/status") as answer:  # noqa: S310 - our own server
        found = re.search(rb"(\d+) \d+ \d+", answer.read())
    assert found is not None
    return int(found[1])


def pin(pid: int, cpu: int) -> None:
    if hasattr(os, "sched_setaffinity") and cpu in os.sched_getaffinity(0):
        os.sched_setaffinity(pid, {cpu})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise RuntimeError("the server ended at once")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the server does not listen")


# ── The server for machines without nginx ─────────────────────────────────────


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


async def _serve(folder: Path, port: int) -> None:
    answers = _answers_below(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Files(answers), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), int(sys.argv[2])))
