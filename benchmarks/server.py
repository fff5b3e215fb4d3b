"""A server far faster than the clients, so that only they are measured: nginx, or our own.

It answers a POST with the file at the request's path, whatever the body says, and counts
connections. With a certificate it does so over TLS.
"""

import os
import re
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from benchmarks.certificates import Certificate

SERVER_CPU, CLIENT_CPU = 0, 1

_FALLBACK = Path(__file__).with_name("fallback.py")

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
        listen 127.0.0.1:{port} backlog=2048 {tls};
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

_NGINX_TLS = """ssl;
        ssl_certificate {certificate.chain};
        ssl_certificate_key {certificate.key}"""


@dataclass(frozen=True)
class Server:
    url: str
    name: str
    certificate: Certificate | None

    def connections(self) -> int:
        """How many it has accepted so far, this one included."""
        context = None
        if self.certificate is not None:
            context = ssl.create_default_context(cafile=self.certificate.bundle)
        with urlopen(f"{self.url}/status", context=context) as answer:  # noqa: S310 - our own
            found = re.search(rb"(\d+) \d+ \d+", answer.read())
        assert found is not None
        return int(found[1])


@contextmanager
def serving(answers: Path, work: Path, certificate: Certificate | None = None) -> Iterator[Server]:
    """A server of the answers, on a core of its own."""
    port = _free_port()
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if nginx:
        name = "nginx"
        settings = work / "nginx.conf"
        tls = _NGINX_TLS.format(certificate=certificate) if certificate else ""
        settings.write_text(_NGINX.format(work=work, port=port, root=answers, tls=tls))
        command = [nginx, "-p", str(work), "-e", "stderr", "-c", str(settings)]
    else:
        name = "asyncio"
        files = (str(certificate.chain), str(certificate.key)) if certificate else ()
        command = [sys.executable, str(_FALLBACK), str(answers), str(port), *files]
    process = subprocess.Popen(command)
    try:
        pin(process.pid, SERVER_CPU)
        _wait_for(port, process)
        scheme = "https" if certificate else "http"
        yield Server(f"{scheme}://127.0.0.1:{port}", name, certificate)
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
