"""Gunzip that refuses what the standard library lets pass (rule R-16). No I/O in here.

The input has to end exactly at the end of a gzip member. A truncated body, a wrong checksum, a
trailing byte and a bomb raise; nothing is handed out after an error.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import Protocol

from healthimaging_sdk.errors import BodyCorrupt, BodyTruncated

STEP = 64 * 1024
WHOLE_STEP = 1024 * 1024
"""For a body that is wanted whole: fewer pieces to join cost a tenth less."""
MAX_MEMBERS = 1024
MAGIC = b"\x1f\x8b"
HEAD = MAGIC + b"\x08"
RESERVED_FLAGS = 0xE0
GZIP_WINDOW = 31


class _Decompressor(Protocol):
    """The interface of `bz2.BZ2Decompressor`: it keeps what it has not used yet."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /, max_length: int) -> bytes: ...


class ZlibDecompressor:
    """zlib's, which gives back what it has not used, behind that interface."""

    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(GZIP_WINDOW)

    @property
    def eof(self) -> bool:
        return self._inflater.eof

    @property
    def needs_input(self) -> bool:
        return not self._inflater.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inflater.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inflater.decompress(self._inflater.unconsumed_tail + data, max_length)


new_decompressor: Callable[[], _Decompressor] = ZlibDecompressor
"""For one member: isal's where the extra `speedups` is installed."""
inflate_errors: tuple[type[Exception], ...] = (zlib.error,)

with suppress(ImportError):
    from isal import igzip_lib

    new_decompressor = partial(igzip_lib.IgzipDecompressor, igzip_lib.DECOMP_GZIP)
    # isal's stubs have an instance for the class of its error.
    inflate_errors = (igzip_lib.IsalError,)  # type: ignore[assignment]


class Gunzip:
    """Feed it compressed bytes as they come, then `finish`. After an error it gives only errors."""

    def __init__(self, limit: int, step: int = STEP) -> None:
        self._limit = limit
        self._step = step
        self._size = 0
        self._members = 0
        self._error: BodyCorrupt | None = None
        self._begin_member()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The decompressed bytes, in pieces of at most a step."""
        for start in range(0, len(data), STEP):
            yield from self._feed_slice(data[start : start + STEP])

    def finish(self) -> None:
        """Raises `BodyTruncated` unless the last member was complete."""
        if self._error:
            raise self._error
        if not self._decompressor.eof:
            raise BodyTruncated("the gzip body ended early")

    def _feed_slice(self, data: bytes) -> Iterator[bytes]:
        if self._error:
            raise self._error
        while data or not (self._decompressor.needs_input or self._decompressor.eof):
            if self._decompressor.eof:
                self._begin_member()
            self._check_head(data)
            piece = self._inflate(data)
            if piece:
                yield piece
            data = self._decompressor.unused_data if self._decompressor.eof else b""

    def _begin_member(self) -> None:
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise self._corrupt(f"the gzip body has more than {MAX_MEMBERS} members")
        self._decompressor = new_decompressor()
        self._head = b""

    def _check_head(self, data: bytes) -> None:
        # isal takes any start and any flags; zlib does not.
        if len(self._head) < 4:
            self._head += data[: 4 - len(self._head)]
            flags = self._head[3] if len(self._head) == 4 else 0
            if not HEAD.startswith(self._head[:3]) or flags & RESERVED_FLAGS:
                raise self._corrupt("the body is not gzip")

    def _inflate(self, data: bytes) -> bytes:
        # Up to the end of a step: a file is written a quarter faster in aligned blocks.
        room = self._step - self._size % self._step
        try:
            piece = self._decompressor.decompress(data, room)
        except inflate_errors:
            raise self._corrupt("the gzip body is corrupt") from None
        self._size += len(piece)
        if self._size > self._limit:
            error = self._corrupt(f"the gzip body inflates beyond {self._limit} bytes")
            error.retryable = False
            raise error
        return piece

    def _corrupt(self, text: str) -> BodyCorrupt:
        self._error = BodyCorrupt(text)
        return self._error


def gunzip(data: bytes, limit: int) -> bytes:
    """The whole of a gzip body."""
    return b"".join(_pieces(data, limit))


def _pieces(data: bytes, limit: int) -> Iterable[bytes]:
    decoder = Gunzip(limit, WHOLE_STEP)
    yield from decoder.feed(data)
    decoder.finish()
