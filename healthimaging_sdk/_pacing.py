"""Keeping to the service's rates, which for writes are one request in four seconds (R-13).

A bucket per operation, shared by the calls, pagers and waiters of one client, first come first
served. Adaptive: none until the service throttles the operation; then at the published rate.
After a run of successes a bucket tries a higher rate. Throttled there, it goes back to the rate
that was good and is patient for twice as long; throttled at a good rate, it slows down.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Literal

from healthimaging_sdk._logs import pacing_began
from healthimaging_sdk._operation import Rate

FASTER = 1.25
SLOWER = 0.7
SLOWEST = 0.1
"""Of the published rate: what other clients of the account leave at the worst."""
PATIENCE = 20
"""Successes before a higher rate is tried; twenty writes at once never meet an attempt."""


class TokenBucket:
    """A fractional rate with a burst. It reserves ahead, so a fake `sleep` cannot stall it."""

    def __init__(
        self, published: Rate, now: float, tokens: float, *, limit: float = math.inf
    ) -> None:
        self.published = published
        self.tokens = tokens
        self.limit = limit
        self.per_second = self.good = published.per_second
        self.updated = self.changed = now
        self.is_limiting = False
        """Whether the latest request had to wait: only then does its success say much."""
        self.patience = PATIENCE
        self.successes = 0
        self.turn = asyncio.Lock()

    def take(self, now: float) -> float:
        """Takes the next token; the seconds until it is there."""
        if now > self.updated:
            grown = self.tokens + (now - self.updated) * self.per_second
            self.tokens = min(self.published.burst, grown)
            self.updated = now
        if self.tokens >= 1:
            self.tokens -= 1
        else:
            self.updated += (1 - self.tokens) / self.per_second
            self.tokens = 0
        self.is_limiting = self.updated > now
        return self.updated - now

    def succeeded(self, now: float) -> None:
        self.successes += self.is_limiting
        if self.successes >= self.patience:
            self.good = self.per_second
            self._change(now, min(self.limit, self.per_second * FASTER))

    def throttled(self, now: float) -> None:
        if self.per_second > self.good:
            self.patience *= 2
            self._change(now, self.good)
        else:
            slowest = SLOWEST * self.published.per_second
            self.good = max(slowest, self.per_second * SLOWER)
            self._change(now, self.good)
        self.tokens = 0
        self.updated = max(self.updated, now)

    def _change(self, now: float, per_second: float) -> None:
        self.per_second = per_second
        self.successes = 0
        self.changed = now


class Pacer:
    def __init__(
        self,
        mode: Literal["adaptive", "published", "off"],
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]],
    ) -> None:
        self.mode = mode
        self.clock = clock
        self.sleep = sleep
        self._buckets: dict[str, TokenBucket] = {}

    def bucket(self, name: str, rate: Rate) -> TokenBucket | None:
        """The operation's bucket, or `None` while it is not paced."""
        bucket = self._buckets.get(name)
        if bucket is None and self.mode == "published":
            bucket = TokenBucket(rate, self.clock(), rate.burst, limit=rate.per_second)
            self._buckets[name] = bucket
        return bucket

    async def wait(self, bucket: TokenBucket) -> None:
        """Waits for a token. A caller that is cancelled meanwhile leaves its token to the next."""
        async with bucket.turn:
            before = bucket.tokens, bucket.updated
            seconds = bucket.take(self.clock())
            if seconds <= 0:
                return
            try:
                await self.sleep(seconds)
            except BaseException:
                bucket.tokens, bucket.updated = before
                raise
            # A late wake-up must not let the next request follow too soon.
            bucket.updated = max(bucket.updated, self.clock())

    def throttled(self, name: str, rate: Rate, sent_at: float) -> None:
        """The service said no to a request that was sent at that moment of the clock."""
        if self.mode == "off":
            return
        bucket = self._buckets.get(name)
        if bucket is None:
            self._buckets[name] = TokenBucket(rate, self.clock(), 0)
            pacing_began(name, rate.per_second)
        elif sent_at > bucket.changed:
            # Requests that were under way before the last change say nothing about it.
            bucket.throttled(self.clock())

    def succeeded(self, name: str) -> None:
        bucket = self._buckets.get(name)
        if bucket is not None:
            bucket.succeeded(self.clock())
