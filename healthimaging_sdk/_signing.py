"""Signature version 4: the door to botocore's signing.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hmac
import re
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlsplit

from attrs import define
from botocore.auth import (
    EMPTY_SHA256_HASH,
    SIGNED_HEADERS_BLACKLIST,
    SIGV4_TIMESTAMP,
    SigV4Auth,
)
from botocore.utils import normalize_url_path

from healthimaging_sdk._credentials import Credentials

SERVICE = "medical-imaging"
NEVER_SIGNED = frozenset(SIGNED_HEADERS_BLACKLIST)

# Without dots, empty segments and anything to escape: as botocore would have it already.
_NORMAL_PATH = re.compile("(?:/[A-Za-z0-9_-]+)+")


class Signer:
    """Signs requests for one region; holds no credentials. `now` tells seconds since 1970."""

    def __init__(self, region: str, *, now: Callable[[], float] = time.time) -> None:
        self._auth = _QuickSigV4Auth(region)
        self._now = now

    def sign(
        self,
        *,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        credentials: Credentials,
        skew: float | timedelta = 0.0,
    ) -> dict[str, str]:
        """The headers to send: the given ones, Host, X-Amz-Date, Authorization, and the token.

        The URL and the body must be sent byte for byte as they are given here. `skew` is how
        far the service's clock is ahead of ours, in seconds (rule R-12).
        """
        ahead = skew.total_seconds() if isinstance(skew, timedelta) else skew
        request = _Request(
            method=method,
            url=url,
            headers={"Host": _host_and_path(url.partition("?")[0])[0], **headers},
            body=body,
            credentials=credentials,
            context={"timestamp": _timestamp(int(self._now() + ahead))},
        )
        self._auth.add_auth(request)
        return request.headers


@define(eq=False, repr=False)
class _Request:
    """What the signer asks of a request, at a fraction of the cost of botocore's `AWSRequest`."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    credentials: Credentials
    context: dict[str, str]
    params: None = None


class _QuickSigV4Auth(SigV4Auth):
    """botocore's signer, without its logging, for it logs session tokens (rule R-23).

    The credentials come with the request. What many requests share is kept: the key that the
    credentials make for a day, and the order of a set of headers. A test holds every signature
    to botocore's own. `request` is always a `_Request`; the stubs insist on botocore's class.
    """

    def __init__(self, region: str) -> None:
        super().__init__(None, SERVICE, region)  # type: ignore[arg-type]  # see `add_auth`
        self._region = region

    def add_auth(self, request: Any) -> None:
        headers: dict[str, str] = request.headers
        for of_an_earlier_attempt in ("Authorization", "X-Amz-Security-Token"):
            headers.pop(of_an_earlier_attempt, None)
        headers["X-Amz-Date"] = request.context["timestamp"]
        if request.credentials.session_token:
            headers["X-Amz-Security-Token"] = request.credentials.session_token
        canonical_request = self.canonical_request(request)
        signature = self.signature(self.string_to_sign(request, canonical_request), request)
        # The last line but one is the list of signed headers: cheaper than making it again.
        signed_headers = canonical_request.rsplit("\n", 2)[1]
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.scope(request)}, "
            f"SignedHeaders={signed_headers}, Signature={signature}"
        )

    def canonical_request(self, request: Any) -> str:
        headers: dict[str, str] = request.headers
        names, signed_headers = _headers_to_sign(tuple(headers))
        address, _, query = request.url.partition("?")
        return "\n".join(
            (
                request.method,
                _host_and_path(address)[1],
                self.canonical_query_string(request) if query else "",
                *[f"{lower}:{' '.join(headers[name].split())}" for lower, name in names],
                "",
                signed_headers,
                sha256(request.body).hexdigest() if request.body else EMPTY_SHA256_HASH,
            )
        )

    def string_to_sign(self, request: Any, canonical_request: str) -> str:
        digest = sha256(canonical_request.encode()).hexdigest()
        timestamp = request.context["timestamp"]
        return f"AWS4-HMAC-SHA256\n{timestamp}\n{self.credential_scope(request)}\n{digest}"

    def scope(self, request: Any) -> str:
        return f"{request.credentials.access_key_id}/{self.credential_scope(request)}"

    def credential_scope(self, request: Any) -> str:
        return f"{request.context['timestamp'][:8]}/{self._region}/{SERVICE}/aws4_request"

    def signature(self, string_to_sign: str, request: Any) -> str:
        date = request.context["timestamp"][:8]
        key = _signing_key(request.credentials.secret_access_key, date, self._region)
        return hmac.digest(key, string_to_sign.encode(), "sha256").hex()


@lru_cache(maxsize=4)
def _timestamp(second: int) -> str:
    return time.strftime(SIGV4_TIMESTAMP, time.gmtime(second))


@lru_cache(maxsize=64)
def _headers_to_sign(names: tuple[str, ...]) -> tuple[list[tuple[str, str]], str]:
    """The names of the headers to sign in their order, each in lower case first; and as a list."""
    pairs = [(name.lower(), name) for name in names]
    signed = sorted(pair for pair in pairs if pair[0] not in NEVER_SIGNED)
    return signed, ";".join([lower for lower, _ in signed])


@lru_cache(maxsize=16)
def _signing_key(secret_access_key: str, date: str, region: str) -> bytes:
    key = f"AWS4{secret_access_key}".encode()
    for part in (date, region, SERVICE, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


@lru_cache(maxsize=256)
def _host_and_path(address: str) -> tuple[str, str]:
    """The Host header as servers and proxies rebuild it, in lower case and without a default
    port; and the path as it is signed.
    """
    parts = urlsplit(address)
    host = parts.netloc.lower().removesuffix(":443" if parts.scheme == "https" else ":80")
    if _NORMAL_PATH.fullmatch(parts.path):
        return host, parts.path
    return host, quote(normalize_url_path(parts.path), safe="/~")
