"""How a client behaves: attempts, limits, pacing, and the seams for tests."""

import asyncio
import math
import os
import random
import re
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, Literal

from attrs import Attribute, field, frozen

from healthimaging_sdk._constraints import Integer
from healthimaging_sdk._redaction import redacted
from healthimaging_sdk.errors import ParamValidationError
from healthimaging_sdk.reports import Observer

DEFAULT_MAX_ATTEMPTS = 3

_PROXY = r"https?://(?:[!-~]+@)?(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?/?"

Duration = float | timedelta
"""Seconds, or a `timedelta`."""


def in_seconds(duration: Duration) -> float:
    try:
        return duration.total_seconds() if isinstance(duration, timedelta) else float(duration)
    except (TypeError, ValueError, OverflowError):
        return math.nan  # for the validator, which knows the name, to refuse


def _in_seconds_if_any(duration: Duration | None) -> float | None:
    return None if duration is None else in_seconds(duration)


def _chance() -> float:
    # A pickle of `random.random` would hold its state, and never be equal to another.
    return random.random()  # noqa: S311


COUNT = Integer(1, sys.maxsize)


def _positive(_: Any, attribute: "Attribute[Any]", value: float | None) -> None:
    if value is not None and not value > 0:
        raise ParamValidationError(attribute.name, "must be seconds, more than 0")


def _header_text(_: Any, attribute: "Attribute[Any]", value: Any) -> None:
    if value is None:
        return
    if not (isinstance(value, str) and value.isascii() and value.isprintable()):
        raise ParamValidationError(attribute.name, "must be printable ASCII")


def _proxy_url(_: Any, attribute: "Attribute[Any]", value: Any) -> None:
    if value is not None and not (isinstance(value, str) and re.fullmatch(_PROXY, value)):
        raise ParamValidationError(attribute.name, "must be the http(s) URL of a host")


def _known_pacing(_: Any, attribute: "Attribute[Any]", value: Any) -> None:
    if value not in ("adaptive", "published", "off"):
        raise ParamValidationError(attribute.name, "must be adaptive, published or off")


def _in_a_tuple(observers: Iterable[Observer]) -> tuple[Observer, ...]:
    try:
        return tuple(observers)
    except TypeError:
        raise ParamValidationError("observers", "must be a tuple of callables") from None


def _callables(_: Any, attribute: "Attribute[Any]", value: tuple[object, ...]) -> None:
    if not all(map(callable, value)):
        raise ParamValidationError(attribute.name, "must be a tuple of callables")


@frozen(kw_only=True)
class Config:
    """The settings of a client. Durations are seconds, or a `timedelta`."""

    max_attempts: int | None = field(default=None, validator=COUNT)
    """Requests per call, the first one included; 1 turns retries off. By default
    `AWS_MAX_ATTEMPTS`, or 3."""

    deadline: float | None = field(default=60, converter=_in_seconds_if_any, validator=_positive)
    """For a whole call: waiting for a connection, credentials, attempts, pauses (rule R-9). Not
    for the body of a stream, nor for queueing when the client paces itself. `None`: no limit."""

    connect_timeout: float = field(default=3.1, converter=in_seconds, validator=_positive)
    """For a connection, TLS included."""

    read_timeout: float = field(default=30, converter=in_seconds, validator=_positive)
    """For the head of an answer, and between two pieces of its body."""

    pool_size: int = field(default=64, validator=COUNT)
    """Connections, and so requests under way, at once."""

    pacing: Literal["adaptive", "published", "off"] = field(
        default="adaptive", validator=_known_pacing
    )
    """Adaptive: unlimited until the service throttles an operation; then at its published rate,
    growing with success. Published: never faster than the published rate."""

    max_decoded_bytes: int = field(default=512 * 2**20, validator=COUNT)
    """The largest blob that is decompressed; a larger one raises `BodyCorrupt`."""

    proxy: str | None = field(default=None, repr=redacted, validator=_proxy_url)
    """The URL of an HTTP proxy. The environment's proxies are not read."""

    user_agent_suffix: str | None = field(default=None, validator=_header_text)
    """Words at the end of the User-Agent header, such as the name of your application."""

    use_fips_endpoint: bool | None = None
    """By default `AWS_USE_FIPS_ENDPOINT`, or the profile's setting."""

    use_dualstack_endpoint: bool | None = None
    """By default `AWS_USE_DUALSTACK_ENDPOINT`, or the profile's setting."""

    allow_insecure_http: bool = False
    """Whether an `http://` endpoint may be another machine: patients and signatures in the open."""

    observers: tuple[Observer, ...] = field(default=(), converter=_in_a_tuple, validator=_callables)
    """Contexts around each call, told what it did but not what it said: see `CallReport`."""

    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    """Waits that many seconds. For tests."""

    clock: Callable[[], float] = time.monotonic
    """Monotonic seconds, in the domain of the event loop's `time()`. For tests."""

    random: Callable[[], float] = _chance
    """Between 0 and 1; 1 is the longest delay. For tests."""


def max_attempts(config: Config, environ: Mapping[str, str] = os.environ) -> int:
    """The attempts of a call, from the configuration, then from the environment (rule R-6)."""
    mode = environ.get("AWS_RETRY_MODE") or "standard"
    if mode != "standard":
        raise ParamValidationError("AWS_RETRY_MODE", "only the mode standard is supported")
    if config.max_attempts is not None:
        return config.max_attempts
    text = environ.get("AWS_MAX_ATTEMPTS") or str(DEFAULT_MAX_ATTEMPTS)
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise ParamValidationError("AWS_MAX_ATTEMPTS", "must be a whole number, at least 1")
    return int(text)
