"""A lazy document is the same document, parsed where somebody looks."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import ARBITRARY_JSON

from healthimaging_sdk import GetImageSetMetadataResponse, ResponseDecodeError, _json

UIDS = st.text("0123456789.", min_size=1, max_size=8)


def members(name: str, value: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """An object with that member, among others, or anything else that the service might send."""
    others = st.dictionaries(st.text(max_size=5), ARBITRARY_JSON, max_size=3)
    return (
        others.flatmap(lambda some: value.map(lambda each: {**some, name: each})) | ARBITRARY_JSON
    )


INSTANCES = st.dictionaries(UIDS, ARBITRARY_JSON, max_size=4) | ARBITRARY_JSON
SERIES = st.dictionaries(UIDS, members("Instances", INSTANCES), max_size=3) | ARBITRARY_JSON
DOCUMENTS = members("Study", members("Series", SERIES)).filter(lambda each: isinstance(each, dict))


def response(text: bytes) -> GetImageSetMetadataResponse:
    return GetImageSetMetadataResponse(image_set_metadata_blob=text)


def document_of(*instances: bytes) -> bytes:
    named = b",".join(b'"1.%d": %s' % (n, text) for n, text in enumerate(instances))
    return b'{"Study": {"Series": {"1": {"DICOM": {}, "Instances": {%s}}}}}' % named


@given(DOCUMENTS)
def test_a_lazy_document_equals_the_whole_one(document: object) -> None:
    asked = response(json.dumps(document).encode())

    assert asked.document(lazy=True) == asked.document()


def test_members_keep_their_order() -> None:
    text = b'{"Z": 1, "Study": {"B": 1, "Series": {"2": {}, "1": {}}, "A": 2}, "C": {}}'

    assert json.dumps(response(text).document(lazy=True)) == json.dumps(json.loads(text))


def test_an_instance_is_parsed_when_it_is_asked_for() -> None:
    pytest.importorskip("msgspec", reason="the extra `speedups` is not installed")
    canary = b'{"DICOM": {"PatientName": "CANARY \xff"}}'

    document = response(document_of(b'{"DICOM": {"InstanceNumber": 1}}', canary)).document(
        lazy=True
    )

    instances = document["Study"]["Series"]["1"]["Instances"]
    assert list(instances) == ["1.0", "1.1"]
    assert len(instances) == 2
    assert instances["1.0"]["DICOM"] == {"InstanceNumber": 1}
    with pytest.raises(KeyError):
        instances["2.0"]
    with pytest.raises(ResponseDecodeError) as refused:
        instances["1.1"]
    assert (
        "CANARY" not in f"{refused.value!r}{refused.value}{refused.value.__cause__!r}{instances!r}"
    )


def test_without_msgspec_all_is_parsed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_json, "msgspec", None)
    good, bad = document_of(b'{"DICOM": {}}'), document_of(b"NaN")

    assert response(good).document(lazy=True) == json.loads(good)
    with pytest.raises(ResponseDecodeError):
        response(bad).document(lazy=True)


@pytest.mark.parametrize("text", [b"", b"[]", b"null", b'{"Study": ', b'{"Study": {}} x'])
def test_what_is_no_document_is_refused(text: bytes) -> None:
    with pytest.raises(ResponseDecodeError):
        response(text).document(lazy=True)
