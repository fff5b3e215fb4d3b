"""The service's throttle: a bucket of tokens per operation, at the rates of the cards."""

from collections.abc import Callable
from typing import Any, Literal

from attrs import define, field

from healthimaging_sdk._operation import Operation, Rate
from healthimaging_sdk.emulator._limits import is_number
from healthimaging_sdk.errors import ThrottlingException

Throttle = Literal["off", "published"] | float
"""No limit, the published rates, or that many times the published rates."""


def read_throttle(text: str) -> Throttle:
    """What a command line says. Raises `ValueError` for anything else than a `Throttle`."""
    try:
        return checked(float(text))
    except ValueError:
        return checked(text)


def checked(throttle: object) -> Throttle:
    """Raises `ValueError` for anything else than a `Throttle`."""
    if throttle == "off":
        return "off"
    if throttle == "published":
        return "published"
    if is_number(throttle) and throttle > 0:
        return float(throttle)
    raise ValueError("throttle: must be off, published or a positive number")


@define(eq=False)
class _Bucket:
    rate: Rate
    updated: float
    tokens: float

    def take(self, now: float) -> bool:
        """Whether there was a token; an empty bucket does not owe any."""
        grown = self.tokens + (now - self.updated) * self.rate.per_second
        self.tokens = min(grown, self.rate.burst)
        self.updated = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@define(eq=False)
class Throttling:
    clock: Callable[[], float]
    """Monotonic seconds."""

    _throttle: Throttle = field(default="off", converter=checked)
    _buckets: dict[str, _Bucket] = field(factory=dict[str, _Bucket], init=False)

    @property
    def throttle(self) -> Throttle:
        return self._throttle

    @throttle.setter
    def throttle(self, throttle: Throttle) -> None:
        """From now on, with full buckets."""
        self._throttle = checked(throttle)
        self._buckets = {}

    def check(self, operation: Operation[Any, Any]) -> None:
        """Raises `ThrottlingException` for a request that comes too early."""
        if self._throttle == "off":
            return
        factor = 1.0 if self._throttle == "published" else float(self._throttle)
        bucket = self._buckets.get(operation.name)
        if bucket is None:
            published = operation.rate
            # Less than one token at most would never let anything pass.
            burst = max(1, round(published.burst * factor))
            rate = Rate(published.per_second * factor, burst)
            bucket = self._buckets[operation.name] = _Bucket(rate, self.clock(), burst)
        if not bucket.take(self.clock()):
            raise ThrottlingException("Rate exceeded")
