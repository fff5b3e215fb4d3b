"""Rule R-16: what a gzip body may be, and that nothing else passes for one."""

import gzip
import zlib
from collections.abc import Callable, Iterable
from itertools import accumulate, pairwise
from math import ceil
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from healthimaging_sdk import _gunzip
from healthimaging_sdk._gunzip import HEAD, MAX_MEMBERS, STEP, WHOLE_STEP, Gunzip, gunzip
from healthimaging_sdk.errors import BodyCorrupt, BodyTruncated, ResponseDecodeError

LIMIT = 2**24
MEBIBYTE = 2**20
FLAGS = 3  # where they stand in a gzip header

LIBRARIES: dict[str, tuple[Any, Any]] = {
    "zlib": (_gunzip.ZlibDecompressor, (zlib.error,)),
    # isal's, with the extra `speedups`
    "installed": (_gunzip.new_decompressor, _gunzip.inflate_errors),
}


def use(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    new_decompressor, inflate_errors = LIBRARIES[library]
    monkeypatch.setattr(_gunzip, "new_decompressor", new_decompressor)
    monkeypatch.setattr(_gunzip, "inflate_errors", inflate_errors)


@pytest.fixture(params=list(LIBRARIES), autouse=True)
def _library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test runs with each of the libraries."""
    use(monkeypatch, request.param)


def property_test(function: Callable[..., None]) -> Callable[..., None]:
    # The fixture is the same for all examples of a test.
    return settings(
        max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )(function)


def decode(chunks: Iterable[bytes], limit: int = LIMIT) -> tuple[bytes, Exception | None]:
    """Everything that was handed out, and the error that came instead of a clean end."""
    decoder = Gunzip(limit)
    handed_out = b""
    try:
        for chunk in chunks:
            for piece in decoder.feed(chunk):
                assert 0 < len(piece) <= STEP
                handed_out += piece
        decoder.finish()
    except ResponseDecodeError as error:
        return handed_out, error
    return handed_out, None


def in_chunks(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    return [data[start:end] for start, end in pairwise([0, *sorted(cuts), len(data)])]


texts = st.one_of(
    st.binary(max_size=300),
    st.builds(bytes.__mul__, st.binary(min_size=1, max_size=20), st.integers(0, 9000)),
)
members = st.builds(gzip.compress, texts, st.sampled_from([0, 1, 6, 9]), mtime=st.just(0))
one_or_more = st.lists(members, min_size=1, max_size=3)


@st.composite
def bodies_with_cuts(draw: st.DrawFn, most: int = 8) -> tuple[bytes, list[int]]:
    body = b"".join(draw(one_or_more))
    return body, draw(st.lists(st.integers(0, len(body)), max_size=most))


@property_test
@given(bodies_with_cuts())
def test_the_output_is_the_standard_librarys_however_the_body_is_cut(
    drawn: tuple[bytes, list[int]],
) -> None:
    body, cuts = drawn
    assert decode(in_chunks(body, cuts)) == (gzip.decompress(body), None)
    assert gunzip(body, LIMIT) == gzip.decompress(body)


@property_test
@given(bodies_with_cuts())
@example((gzip.compress(b"\x00" * 180_000, 0) * 3, [7, 70_000, 200_001]))
def test_no_piece_goes_across_the_end_of_a_step(drawn: tuple[bytes, list[int]]) -> None:
    """However the body is cut: a file is then written in whole steps, but for the cuts."""
    body, cuts = drawn
    decoder = Gunzip(LIMIT)
    chunks = in_chunks(body, cuts)
    ends = list(accumulate(len(piece) for chunk in chunks for piece in decoder.feed(chunk)))
    assert all((end - 1) // STEP == start // STEP for start, end in pairwise([0, *ends]))
    # Only the end of a step, of a member or of what it was given ends a piece.
    given_at_once = sum(ceil(len(chunk) / STEP) for chunk in chunks)
    assert len(ends) <= given_at_once + body.count(HEAD) + len(gzip.decompress(body)) // STEP


@property_test
@given(members)
def test_single_bytes_are_enough(body: bytes) -> None:
    assert decode(bytes([byte]) for byte in body) == (gzip.decompress(body), None)


@property_test
@given(one_or_more, members, st.data())
def test_a_body_that_ends_inside_a_member_is_truncated(
    whole: list[bytes], last: bytes, data: st.DataObject
) -> None:
    """What was handed out until then is the beginning of the truth."""
    end = data.draw(st.integers(1, len(last) - 1))
    handed_out, error = decode([*whole, last[:end]])
    assert isinstance(error, BodyTruncated)
    assert gzip.decompress(b"".join([*whole, last])).startswith(handed_out)


def test_every_cut_of_a_body_is_truncated() -> None:
    body = gzip.compress(b"the last eight bytes are a checksum and a length", mtime=0)
    for end in range(len(body)):
        with pytest.raises(BodyTruncated):
            gunzip(body[:end], LIMIT)


@property_test
@given(members, st.data())
def test_a_changed_byte_is_noticed_unless_it_changes_nothing(
    body: bytes, data: st.DataObject
) -> None:
    position = data.draw(st.integers(0, len(body) - 1))
    changed = bytearray(body)
    changed[position] ^= data.draw(st.integers(1, 255))
    handed_out, error = decode([bytes(changed)])
    assert error is not None or handed_out == gzip.decompress(body)


@property_test
@given(st.one_of(st.binary(max_size=40), members.map(bytearray)), st.data())
def test_both_libraries_take_and_refuse_the_same(start: bytes, data: st.DataObject) -> None:
    body = bytearray(start) or bytearray(b"\x00")
    for _ in range(data.draw(st.integers(0, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    results: list[tuple[bytes | None, bool]] = []
    for library in LIBRARIES:
        with pytest.MonkeyPatch.context() as patch:
            use(patch, library)
            handed_out, error = decode([bytes(body)])
        results.append((None if error else handed_out, error is None))
    assert results[0] == results[1]


@pytest.mark.parametrize("trailing", [b"\x00", b"\x00" * 512, b"\n", b"x", b"\x1f\x8b\x09", b"{}"])
def test_trailing_bytes_are_refused_zeros_too(trailing: bytes) -> None:
    with pytest.raises(BodyCorrupt):
        gunzip(gzip.compress(b"text") + trailing, LIMIT)


def test_a_trailing_byte_that_comes_later_is_refused_all_the_same() -> None:
    handed_out, error = decode([gzip.compress(b"text"), b"\x00"])
    assert handed_out == b"text"
    assert isinstance(error, BodyCorrupt)


@pytest.mark.parametrize("body", [b"", b"\x1f", b"\x1f\x8b", b"\x1f\x8b\x08\x00"])
def test_less_than_a_header_is_truncated(body: bytes) -> None:
    with pytest.raises(BodyTruncated):
        gunzip(body, LIMIT)


@pytest.mark.parametrize(
    "body", [b"{}", b"\x1f\x8c", b"\x1f\x8b\x07", zlib.compress(b"text"), b"\x00" * 20]
)
def test_another_beginning_is_not_gzip(body: bytes) -> None:
    with pytest.raises(BodyCorrupt):
        gunzip(body, LIMIT)


@pytest.mark.parametrize("flag", [0x20, 0x40, 0x80])
def test_reserved_flags_are_refused(flag: int) -> None:
    body = bytearray(gzip.compress(b"text"))
    body[FLAGS] |= flag
    for chunks in ([bytes(body)], [bytes([byte]) for byte in body]):
        handed_out, error = decode(chunks)
        assert handed_out == b""
        assert isinstance(error, BodyCorrupt)


@pytest.mark.parametrize("from_end", [1, 4, 5, 8])
def test_a_wrong_checksum_or_length_is_corrupt(from_end: int) -> None:
    body = bytearray(gzip.compress(b"text" * 100))
    body[-from_end] ^= 1
    with pytest.raises(BodyCorrupt):
        gunzip(bytes(body), LIMIT)


def test_as_many_members_as_the_limit_are_taken_and_no_more() -> None:
    empty = gzip.compress(b"")
    assert gunzip(empty * MAX_MEMBERS, LIMIT) == b""
    with pytest.raises(BodyCorrupt, match="members"):
        gunzip(empty * (MAX_MEMBERS + 1), LIMIT)


@pytest.mark.parametrize("size", [step + by for step in (STEP, WHOLE_STEP) for by in (-1, 0, 1)])
@pytest.mark.parametrize("times", [1, 3])
def test_output_around_the_size_of_a_piece_is_complete(size: int, times: int) -> None:
    size *= times
    body = gzip.compress(b"\x00" * size)
    assert decode([body]) == (b"\x00" * size, None)
    assert gunzip(body, LIMIT) == b"\x00" * size
    for last in range(1, 20):
        assert decode([body[:-last], body[-last:]]) == (b"\x00" * size, None)


def test_a_bomb_ends_at_the_limit_and_is_not_tried_again() -> None:
    bomb = gzip.compress(b"\x00" * (16 * MEBIBYTE))
    decoder = Gunzip(MEBIBYTE)
    handed_out = 0

    def swallow() -> None:
        nonlocal handed_out
        for piece in decoder.feed(bomb):
            handed_out += len(piece)

    with pytest.raises(BodyCorrupt, match="1048576") as caught:
        swallow()
    assert handed_out == MEBIBYTE
    assert not caught.value.retryable


def test_a_body_of_exactly_the_limit_is_taken() -> None:
    body = gzip.compress(b"\x00" * MEBIBYTE)
    assert len(gunzip(body, MEBIBYTE)) == MEBIBYTE
    with pytest.raises(BodyCorrupt):
        gunzip(body, MEBIBYTE - 1)


def test_a_bomb_of_many_members_ends_at_the_limit_too() -> None:
    body = gzip.compress(b"\x00" * MEBIBYTE) * 3
    handed_out, error = decode([body], limit=2 * MEBIBYTE)
    assert len(handed_out) == 2 * MEBIBYTE
    assert isinstance(error, BodyCorrupt)


@pytest.mark.parametrize(
    ("damaged", "limit"),
    [
        (b"not gzip at all", LIMIT),
        (gzip.compress(b"text")[:-8] + b"\xff" * 8, LIMIT),
        (gzip.compress(b"") * (MAX_MEMBERS + 1), LIMIT),
        (gzip.compress(b"longer than five"), 5),
    ],
    ids=["start", "checksum", "members", "limit"],
)
def test_nothing_is_handed_out_after_an_error(damaged: bytes, limit: int) -> None:
    decoder = Gunzip(limit)
    with pytest.raises(BodyCorrupt):
        list(decoder.feed(damaged))
    with pytest.raises(BodyCorrupt):
        list(decoder.feed(gzip.compress(b"text that must not come")))
    with pytest.raises(ResponseDecodeError):
        decoder.finish()


@pytest.mark.parametrize(
    "body", [b"patient data", gzip.compress(b"patient data")[:-1] + b"\xff"], ids=["start", "end"]
)
def test_errors_show_nothing_of_the_body(body: bytes) -> None:
    with pytest.raises(BodyCorrupt) as caught:
        gunzip(body, LIMIT)
    assert "patient" not in repr(caught.value)
    assert caught.value.__cause__ is None
