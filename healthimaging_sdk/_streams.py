"""A blob as it arrives: decompressed, checked, in constant memory, and never too slow to end."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Self

from attrs import define, field

from healthimaging_sdk._gunzip import MAGIC, Gunzip, gunzip
from healthimaging_sdk._transport import Answer
from healthimaging_sdk.errors import BodyCorrupt, HealthImagingError, Outcome, StreamStalled

STALL_WINDOW = 20.0
STALL_RATE = 1.0
"""Bytes per second, averaged over a window in which the consumer waits (rule R-10)."""

INLINE = 64 * 1024
"""Compressed bytes that may be inflated on the event loop; more go to a thread."""


def is_gzip(content_encoding: str | None, start: bytes) -> bool:
    """By the header; without one, by the first bytes. Other encodings are refused (R-16)."""
    match (content_encoding or "identity").strip().lower():
        case "gzip":
            return True
        case "identity" | "":
            # One byte is enough: no JSON begins with it.
            return start != b"" and MAGIC.startswith(start[:2])
        case _:
            raise BodyCorrupt("the body has an encoding that was not asked for")


async def read_metadata(answer: Answer, limit: int) -> bytes:
    """The whole metadata document, decompressed and checked."""
    body = await answer.read()
    if not is_gzip(answer.content_encoding, body):
        return body
    if len(body) <= INLINE:
        return gunzip(body, limit)
    return await asyncio.to_thread(gunzip, body, limit)


@define(eq=False, repr=False)
class BlobStream:
    """The body of an answer, readable once: `async for chunk in stream`, or `await stream.read()`.

    Every byte is checked before the iteration ends: `BodyTruncated`, `BodyCorrupt`,
    `StreamStalled` or `TransportError` come instead of a clean end. Leave its `async with`
    block to free the connection.
    """

    content_type: str | None
    content_encoding: str | None
    """As the header said, although chunks are decompressed."""

    _answer: Answer
    _decoder: Gunzip | None
    _clock: Callable[[], float]
    _failure: Callable[[HealthImagingError], HealthImagingError]
    _is_read: bool = field(default=False, init=False)
    _encoding_known: bool = field(default=False, init=False)
    _pieces: Iterator[bytes] = field(factory=lambda: iter(()), init=False)
    _error: HealthImagingError | None = field(default=None, init=False)
    _seconds: float = field(default=0.0, init=False)
    _bytes: int = field(default=0, init=False)

    @classmethod
    def of(
        cls,
        answer: Answer,
        *,
        gzip_limit: int | None,
        clock: Callable[[], float],
        failure: Callable[[HealthImagingError], HealthImagingError],
    ) -> Self:
        """With a `gzip_limit` the body may be gzip, and is inflated to at most so many bytes.

        `failure` gives what to raise for an error: a client that was closed says so.
        """
        return cls(
            answer.headers.get("Content-Type"),
            answer.content_encoding,
            answer,
            None if gzip_limit is None else Gunzip(gzip_limit),
            clock,
            failure,
        )

    async def read(self) -> bytes:
        """All of it at once."""
        return b"".join([chunk async for chunk in self])

    def __aiter__(self) -> AsyncIterator[bytes]:
        if self._is_read:
            raise RuntimeError("a stream can be read once; open another one")
        self._is_read = True
        return self

    async def __anext__(self) -> bytes:
        # No generator: one that is cancelled, as by a timeout, would then seem to be at its end.
        if self._error is not None:
            raise self._error
        try:
            while True:
                for piece in self._pieces:
                    return piece
                self._pieces = self._decoded(await self._next_bytes())
        except HealthImagingError as error:
            self._error = self._failure(error)
            raise self._error from None

    def _decoded(self, arrived: bytes) -> Iterator[bytes]:
        if not self._encoding_known:
            self._encoding_known = True
            if self._decoder and not is_gzip(self.content_encoding, arrived):
                self._decoder = None
        if arrived:
            return self._decoder.feed(arrived) if self._decoder else iter((arrived,))
        if self._decoder:
            self._decoder.finish()
        raise StopAsyncIteration

    async def _next_bytes(self) -> bytes:
        """What arrives next; nothing at the end."""
        while True:
            began = self._clock()
            arrived: bytes | None = None
            with suppress(TimeoutError):
                async with asyncio.timeout(STALL_WINDOW - self._seconds):
                    arrived = await self._answer.read_some()
            self._seconds += self._clock() - began
            self._bytes += len(arrived or b"")
            if arrived == b"":
                return arrived
            if arrived is None or self._seconds >= STALL_WINDOW:
                if self._bytes < STALL_WINDOW * STALL_RATE:
                    message = "the body arrived slower than a byte per second"
                    raise StreamStalled(message, Outcome.UNKNOWN)
                self._seconds, self._bytes = 0.0, 0
            if arrived is not None:
                return arrived
