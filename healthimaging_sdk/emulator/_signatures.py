"""Signature version 4, verified from its specification over the path as it came.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol
from urllib.parse import quote, unquote_to_bytes

from attrs import field, frozen

from healthimaging_sdk.errors import ServiceError

ALGORITHM = "AWS4-HMAC-SHA256"
SERVICE = "medical-imaging"
LONGEST_SKEW = timedelta(minutes=5)
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} +Credential=([^/,\s]+)/(\d{{8}})/([^/,\s]+)/([^/,\s]+)/aws4_request, *"
    r"SignedHeaders=([a-z0-9;_-]+), *Signature=([0-9a-f]{64})",
    re.ASCII,
)


class KeyPair(Protocol):
    @property
    def access_key_id(self) -> str: ...
    @property
    def secret_access_key(self) -> str: ...
    @property
    def session_token(self) -> str | None: ...


@frozen
class SignedRequest:
    method: str
    raw_path: str
    """Path and query, percent-encoded as they came."""
    headers: Mapping[str, str]
    """Names in lower case; a repeated header's values joined by commas."""
    body: bytes = field(repr=False)


def verify(request: SignedRequest, credentials: KeyPair, now: datetime) -> None:
    """Raises `ServiceError` 403 with AWS's code and words if the signature is not right."""
    authorization = request.headers.get("authorization")
    if authorization is None:
        raise _refusal("MissingAuthenticationTokenException", "Missing Authentication Token")
    parsed = _AUTHORIZATION.fullmatch(authorization)
    if parsed is None:
        raise _refusal(
            "IncompleteSignatureException",
            "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature'.",
        )
    access_key_id, date, region, service, signed_headers, signature = parsed.groups()
    token = request.headers.get("x-amz-security-token")
    if access_key_id != credentials.access_key_id or (
        credentials.session_token is not None and token != credentials.session_token
    ):
        raise _refusal(
            "UnrecognizedClientException", "The security token included in the request is invalid."
        )
    if service != SERVICE:
        raise _mismatch(f"Credential should be scoped to correct service: '{SERVICE}'.")
    timestamp = request.headers.get("x-amz-date", "")
    _check_time(timestamp, date, now)
    names = signed_headers.split(";")
    if "host" not in names or any(name not in request.headers for name in names):
        raise _mismatch("'Host' and every header in 'SignedHeaders' must be in the request.")
    scope = f"{date}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(_canonical_request(request, names)).hexdigest()
    to_sign = "\n".join((ALGORITHM, timestamp, scope, digest))
    key = b"AWS4" + credentials.secret_access_key.encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    if not hmac.compare_digest(_hmac(key, to_sign).hex(), signature):
        raise _mismatch(
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method. "
            "Consult the service documentation for details."
        )


def _check_time(timestamp: str, date: str, now: datetime) -> None:
    try:
        signed_at = datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise _refusal(
            "IncompleteSignatureException", "X-Amz-Date must be a date in ISO-8601 basic format."
        ) from None
    if not timestamp.startswith(date):
        raise _mismatch("Date in Credential scope does not match X-Amz-Date.")
    if signed_at < now - LONGEST_SKEW:
        raise _mismatch(
            f"Signature expired: {timestamp} is now earlier than {_basic(now)} - 5 min."
        )
    if signed_at > now + LONGEST_SKEW:
        raise _mismatch(
            f"Signature not yet current: {timestamp} is still later than {_basic(now)} + 5 min."
        )


def _basic(moment: datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%SZ")


def _canonical_request(request: SignedRequest, names: list[str]) -> bytes:
    path, _, query = request.raw_path.partition("?")
    headers = [f"{name}:{' '.join(request.headers[name].split())}" for name in names]
    lines = (
        request.method,
        # Encoded once on the wire and once more here: only S3 does it otherwise.
        quote(_bytes(_normalized(path)), safe="/-._~"),
        _canonical_query(query),
        *headers,
        "",
        ";".join(names),
        hashlib.sha256(request.body).hexdigest(),
    )
    return _bytes("\n".join(lines))


def _normalized(path: str) -> str:
    """The path without empty and relative segments (RFC 3986)."""
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    end = "/" if segments and path.endswith("/") else ""
    return f"/{'/'.join(segments)}{end}"


def _canonical_query(query: str) -> str:
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    encoded = sorted((_encoded(name), _encoded(value)) for name, _, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def _encoded(text: str) -> str:
    return quote(unquote_to_bytes(_bytes(text)), safe="-._~")


def _bytes(text: str) -> bytes:
    # aiohttp hands over bytes that are not UTF-8 as lone surrogates.
    return text.encode(errors="surrogateescape")


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, _bytes(text), hashlib.sha256).digest()


def _mismatch(message: str) -> ServiceError:
    return _refusal("InvalidSignatureException", message)


def _refusal(code: str, message: str) -> ServiceError:
    return ServiceError(message, code=code, status_code=403)
