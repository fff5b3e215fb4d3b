"""`loads` is strict, and gives the same with msgspec and without it (rule R-15)."""

import gc
import json
import traceback
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import ARBITRARY_JSON

from healthimaging_sdk import _json
from healthimaging_sdk._json import NotJSON, loads


@pytest.fixture(params=["msgspec", "standard library"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "standard library":
        monkeypatch.setattr(_json, "msgspec", None)
    else:
        pytest.importorskip("msgspec")


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        (
            b' {"a": [1, -0, 1.5, 1e5, true, null, "\xc3\xa9"]} ',
            {"a": [1, 0, 1.5, 1e5, True, None, "é"]},
        ),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b"123456789012345678901234567890", 123456789012345678901234567890),
        (rb'"\ud83e\ude7b \\ud800"', "\N{X-RAY} \\ud800"),
        (b"[" * 200 + b"]" * 200, json.loads("[" * 200 + "]" * 200)),
    ],
)
def test_json_is_read(text: bytes, value: object) -> None:
    assert loads(text) == value


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b'{"canary": ', id="cut off"),
        pytest.param(b'["canary"] 1', id="two values"),
        pytest.param(b'["canary",]', id="trailing comma"),
        pytest.param(b'["canary", NaN]', id="NaN"),
        pytest.param(b'["canary", Infinity]', id="Infinity"),
        pytest.param(b'["canary", -Infinity]', id="-Infinity"),
        pytest.param(b'"canary\xff"', id="not UTF-8"),
        pytest.param(b'"canary\xed\xa0\x80"', id="a surrogate in UTF-8"),
        pytest.param(rb'"canary\ud800"', id="a lone surrogate"),
        pytest.param(rb'{"canary\uDFFF": 1}', id="a lone surrogate in a key"),
        pytest.param(b'"canary\n"', id="control character"),
        pytest.param(b"\xef\xbb\xbf1", id="byte order mark"),
        pytest.param('"canary"'.encode("utf-16"), id="UTF-16"),
        pytest.param(b"<html>canary</html>", id="HTML"),
        pytest.param(b"9" * 5000, id="5000 digits"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="deep list"),
        pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, id="deep object"),
    ],
)
def test_what_is_not_json_is_refused_without_being_shown(text: bytes) -> None:
    with pytest.raises(NotJSON) as refusal:
        loads(text)
    assert "canary" not in "".join(traceback.format_exception(refusal.value))


def outcome(data: bytes) -> str:
    # `repr` tells 1 from 1.0 and True, and 0.0 from -0.0.
    try:
        return repr(loads(data))
    except NotJSON:
        return "not JSON"


def without_msgspec(read: Callable[[bytes], str], data: bytes) -> str:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(_json, "msgspec", None)
        return read(data)


@given(ARBITRARY_JSON, st.booleans(), st.sampled_from([None, 1]))
def test_both_parsers_read_the_same_values(
    value: object, ascii_only: bool, indent: int | None
) -> None:
    data = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert loads(data) == value
    assert outcome(data) == without_msgspec(outcome, data)


FRAGMENTS = [
    *'[]{}",:0123456789eE+-. \t\n\\u/é',
    "true",
    "false",
    "null",
    "NaN",
    '"a"',
    "\\ud83e",
    "\\ude7b",
    "\\uD800",
    "1e400",
    "1e-400",
    "\0",
]


@given(st.lists(st.sampled_from(FRAGMENTS)).map("".join).map(str.encode) | st.binary(max_size=20))
def test_both_parsers_refuse_the_same_bytes(data: bytes) -> None:
    assert outcome(data) == without_msgspec(outcome, data)


LARGE_DOCUMENT = json.dumps([{"number": number} for number in range(40_000)]).encode()


@pytest.fixture
def collector() -> Iterator[None]:
    """As it was, whatever a test has done with it."""
    yield
    gc.unfreeze()
    gc.enable()


def is_in_the_oldest_generation(value: object) -> bool:
    return any(each is value for each in gc.get_objects(generation=2))


@pytest.mark.usefixtures("parser", "collector")
def test_a_large_document_costs_no_collection() -> None:
    collections: list[str] = []

    def count(phase: str, _: object) -> None:
        collections.append(phase)

    gc.collect()  # so that none is due
    gc.callbacks.append(count)
    try:
        document = loads(LARGE_DOCUMENT)
    finally:
        gc.callbacks.remove(count)

    assert collections == []
    assert gc.isenabled()
    assert is_in_the_oldest_generation(document)


@pytest.mark.usefixtures("parser", "collector")
def test_what_the_process_has_frozen_stays_frozen() -> None:
    gc.freeze()
    frozen = gc.get_freeze_count()

    document = loads(LARGE_DOCUMENT)

    assert gc.get_freeze_count() == pytest.approx(frozen, rel=0.01)
    assert not is_in_the_oldest_generation(document)


@pytest.mark.usefixtures("parser", "collector")
def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()

    loads(LARGE_DOCUMENT)

    assert not gc.isenabled()


@pytest.mark.usefixtures("parser", "collector")
def test_the_collector_is_on_again_after_an_error() -> None:
    with pytest.raises(NotJSON):
        loads(LARGE_DOCUMENT + b"x")

    assert gc.isenabled()
