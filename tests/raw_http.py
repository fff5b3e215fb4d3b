"""Requests to an emulator as no client writes them: exactly these bytes."""

import http.client
import json
import socket
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from healthimaging_sdk.emulator import Emulator


def address(emulator: Emulator) -> tuple[str, int]:
    host, _, port = emulator.endpoint_url.removeprefix("http://").rpartition(":")
    return host, int(port)


def ask(
    emulator: Emulator,
    method: str,
    target: str,
    body: bytes = b"",
    *,
    signed: bool = True,
    **headers: str,
) -> tuple[int, dict[str, str], Any]:
    """Status, headers in lower case, and content of the answer to exactly this target."""
    if signed:
        keys = emulator.credentials
        request: Any = AWSRequest(method, emulator.endpoint_url + target, headers, body)
        theirs = Credentials(keys.access_key_id, keys.secret_access_key)
        SigV4Auth(theirs, "medical-imaging", "us-east-1").add_auth(request)
        headers = dict(request.headers.items())
    connection = http.client.HTTPConnection(*address(emulator))
    connection.request(method, target, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    found = {name.lower(): value for name, value in answer.getheaders()}
    return answer.status, found, json.loads(content)


def code_of(answer: tuple[int, dict[str, str], Any]) -> tuple[int, str]:
    status, headers, content = answer
    assert headers["x-amzn-requestid"]
    assert content["message"]
    return status, headers["x-amzn-errortype"]


def exchange(emulator: Emulator, sent: bytes, silence: float = 10) -> bytes:
    """What comes back for these bytes, until the emulator ends the connection.

    After that many seconds without a byte this side ends it: a server drops what it was about to
    say to somebody who has left.
    """
    received = bytearray()
    with socket.create_connection(address(emulator), timeout=silence) as connection:
        connection.sendall(sent)
        try:
            while chunk := connection.recv(65_536):
                received += chunk
        except (ConnectionResetError, TimeoutError):
            pass
    return bytes(received)
