"""Where botocore finds settings and credentials, rebuilt in a folder and on loopback."""

import json
import os
import shlex
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs

import pytest

SECRET = "s3cr3t"
"""A part of everything that must never be shown."""

HOUR = 3600.0


def isolate(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Hides this machine's own settings; the shared files are looked for in the folder."""
    for name in list(os.environ):
        if name.upper().startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def expiration(lifetime: float) -> str:
    moment = datetime.now(UTC) + timedelta(seconds=lifetime)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class CredentialProcess:
    """A `credential_process` that counts its calls, gives prepared answers, and can be held."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._gate = folder / "gate"
        self._held = folder / "held"
        (folder / "calls").touch()
        script = folder / "process.sh"
        script.write_text(
            f"cd {shlex.quote(str(folder))} || exit 1\n"
            "echo >> calls\n"
            "[ -p gate ] && { echo > held; read -r _ < gate; }\n"
            f"cat answer-$(($(wc -l < calls))) || {{ echo {SECRET} >&2; exit 1; }}\n"
        )
        (folder / "config").write_text(f"[default]\ncredential_process = sh {script}\n")

    @property
    def calls(self) -> int:
        return len((self.folder / "calls").read_text())

    def will_answer(self, *lifetimes: float | None) -> None:
        """The answers of the next calls: keys by number, with a lifetime or without end."""
        for call, lifetime in enumerate(lifetimes, self.calls + 1):
            answer: dict[str, object] = {
                "Version": 1,
                "AccessKeyId": f"ASIAPROCESS{call}",
                "SecretAccessKey": f"{SECRET}-of-process",
                "SessionToken": f"{SECRET}-token",
            }
            if lifetime is not None:
                answer["Expiration"] = expiration(lifetime)
            self.will_print(json.dumps(answer).encode(), call)

    def will_print(self, output: bytes, call: int = 1) -> None:
        (self.folder / f"answer-{call}").write_bytes(output)

    def hold(self) -> None:
        """Lets the next call wait for `release`."""
        os.mkfifo(self._gate)
        os.mkfifo(self._held)

    def wait_until_held(self) -> None:
        self._held.read_text()

    def release(self) -> None:
        with self._gate.open("w") as gate:
            self._gate.unlink()
            gate.write("\n")

    def end(self) -> None:
        """Frees what a failed test has left waiting, so that it fails instead of hanging."""
        for fifo in (self._held, self._gate):
            if fifo.exists():
                os.close(os.open(fifo, os.O_RDWR | os.O_NONBLOCK))


class Sources:
    """The container agent, STS, SSO and instance metadata; hands out keys by number."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.refuses = False
        sources = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                """Nothing on standard error."""

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length).decode()
                content = sources.answer(self.path.partition("?")[0], body).encode()
                self.send_response(403 if sources.refuses else 200)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("x-aws-ec2-metadata-token-ttl-seconds", "60")
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = answer  # noqa: N815

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, path: str, body: str) -> str:
        action = parse_qs(body).get("Action", [path])[0]
        self.requests.append(action)
        if self.refuses:
            return (
                "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
                f"<Message>{SECRET}</Message></Error></ErrorResponse>"
            )
        number = len(self.requests)
        match path:
            case "/":
                return _assumed(action, number)
            case "/federation/credentials":
                return json.dumps({"roleCredentials": _federated(number)})
            case "/latest/api/token":
                return f"{SECRET}-of-metadata"
            case "/latest/meta-data/iam/security-credentials/":
                return "role"
            case _:
                return json.dumps({"Code": "Success", **_keys(number)})


def _keys(number: int) -> dict[str, str]:
    return {
        "AccessKeyId": f"ASIASERVED{number}",
        "SecretAccessKey": f"{SECRET}-key",
        "Token": f"{SECRET}-token",
        "Expiration": expiration(HOUR),
    }


def _federated(number: int) -> dict[str, object]:
    return {
        "accessKeyId": f"ASIASERVED{number}",
        "secretAccessKey": f"{SECRET}-key",
        "sessionToken": f"{SECRET}-token",
        "expiration": int((datetime.now(UTC).timestamp() + HOUR) * 1000),
    }


def _assumed(action: str, number: int) -> str:
    keys = _keys(number)
    members = {
        "AccessKeyId": keys["AccessKeyId"],
        "SecretAccessKey": keys["SecretAccessKey"],
        "SessionToken": keys["Token"],
        "Expiration": keys["Expiration"],
    }
    text = "".join(f"<{name}>{value}</{name}>" for name, value in members.items())
    return (
        f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>'
        f"<Credentials>{text}</Credentials><AssumedRoleUser><Arn>arn:aws:sts::1:x</Arn>"
        f"<AssumedRoleId>A:b</AssumedRoleId></AssumedRoleUser></{action}Result></{action}Response>"
    )


# ── Every way to credentials ──────────────────────────────────────────────────

ROLE = "arn:aws:iam::123456789012:role/reader"


def environment(monkeypatch: pytest.MonkeyPatch, _: Path, __: Sources) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASERVED0")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", f"{SECRET}-key")
    monkeypatch.setenv("AWS_SESSION_TOKEN", f"{SECRET}-token")


def shared_file(monkeypatch: pytest.MonkeyPatch, folder: Path, _: Sources) -> None:
    monkeypatch.setenv("AWS_PROFILE", "reader")
    (folder / "credentials").write_text(
        f"[reader]\naws_access_key_id = AKIASERVED0\naws_secret_access_key = {SECRET}-key\n"
        f"aws_session_token = {SECRET}-token\n"
    )


def container(monkeypatch: pytest.MonkeyPatch, _: Path, sources: Sources) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{sources.url}/container")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", f"{SECRET}-of-agent")


def instance(monkeypatch: pytest.MonkeyPatch, _: Path, sources: Sources) -> None:
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", sources.url)


def web_identity(monkeypatch: pytest.MonkeyPatch, folder: Path, sources: Sources) -> None:
    (folder / "token").write_text(f"{SECRET}-of-identity")
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(folder / "token"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sources.url)


def assumed_role(monkeypatch: pytest.MonkeyPatch, folder: Path, sources: Sources) -> None:
    shared_file(monkeypatch, folder, sources)
    monkeypatch.setenv("AWS_PROFILE", "assumed")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sources.url)
    (folder / "config").write_text(
        f"[profile assumed]\nrole_arn = {ROLE}\nsource_profile = reader\n"
    )


def single_sign_on(monkeypatch: pytest.MonkeyPatch, folder: Path, sources: Sources) -> None:
    start_url = "https://example.awsapps.com/start"
    cache = folder / "sso"
    cache.mkdir()
    # botocore finds the folder of its tokens when it is imported: too early for HOME.
    monkeypatch.setattr("botocore.credentials.SSOProvider._SSO_TOKEN_CACHE_DIR", str(cache))
    token = {"accessToken": f"{SECRET}-of-login", "expiresAt": expiration(HOUR)}
    name = sha1(start_url.encode(), usedforsecurity=False).hexdigest()
    (cache / f"{name}.json").write_text(json.dumps(token))
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", sources.url)
    (folder / "config").write_text(
        f"[default]\nsso_start_url = {start_url}\nsso_region = us-east-1\n"
        "sso_account_id = 123456789012\nsso_role_name = reader\n"
    )


WAYS = [environment, shared_file, container, instance, web_identity, assumed_role, single_sign_on]
