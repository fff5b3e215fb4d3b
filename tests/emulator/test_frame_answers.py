"""The two answers that only GetImageFrame has: 400 BadRequestException and 406."""

from typing import Any

import pytest
from account import Account, refused
from raw_http import ask, code_of

JPH = "image/jph"
NOT_ACCEPTABLE = (406, "NotAcceptableException")


@pytest.fixture
def frame_id(account: Account, image_set_id: str) -> str:
    ((_, series),) = account.document(image_set_id)["Study"]["Series"].items()
    instance, *_ = series["Instances"].values()
    found: str = instance["ImageFrames"][0]["ID"]
    return found


def target(account: Account, image_set_id: str, action: str = "getImageFrame") -> str:
    return f"/datastore/{account.datastore_id}/imageSet/{image_set_id}/{action}"


def accepting(account: Account, image_set_id: str, frame_id: str, accept: str) -> Any:
    """What boto3 makes of the answer if it sends this header."""
    client = account.client

    def add_header(request: Any, **_: Any) -> None:
        request.headers["Accept"] = accept

    client.meta.events.register("before-sign.medical-imaging.GetImageFrame", add_header)
    return client.get_image_frame(
        datastoreId=account.datastore_id,
        imageSetId=image_set_id,
        imageFrameInformation={"imageFrameId": frame_id},
    )


@pytest.mark.parametrize(
    "accept",
    ["*/*", "image/*", JPH, "image/png;q=0.5, IMAGE/JPH;q=0.1", "image/jph; a=b", "a;q=0, */*"],
)
def test_a_frame_of_an_accepted_type_is_served(
    account: Account, image_set_id: str, frame_id: str, accept: str
) -> None:
    assert accepting(account, image_set_id, frame_id, accept)["contentType"] == JPH


@pytest.mark.parametrize(
    "accept", ["image/png", "application/json, video/*", f"{JPH};q=0", "", "/"]
)
def test_a_frame_of_another_type_than_the_accepted_ones_is_not_acceptable(
    account: Account, image_set_id: str, frame_id: str, accept: str
) -> None:
    attempt = refused(accepting, account, image_set_id, frame_id, accept)

    assert attempt[:2] == NOT_ACCEPTABLE


def test_a_frame_that_is_not_there_is_not_found_whatever_is_accepted(
    account: Account, image_set_id: str
) -> None:
    attempt = refused(accepting, account, image_set_id, "0" * 32, "image/png")

    assert attempt[:2] == (404, "ResourceNotFoundException")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"id"', b"\xff", b'{"imageFrameId":NaN}'])
def test_a_body_that_is_no_json_object_is_a_bad_request(
    account: Account, image_set_id: str, body: bytes
) -> None:
    bad = ask(account.emulator, "POST", target(account, image_set_id), body)

    assert code_of(bad) == (400, "BadRequestException")


@pytest.mark.parametrize("body", [b"{}", b'{"imageFrameId":5}', b'{"imageFrameId":"X"}'])
def test_a_body_outside_the_model_is_a_validation_error_as_elsewhere(
    account: Account, image_set_id: str, body: bytes
) -> None:
    wrong = ask(account.emulator, "POST", target(account, image_set_id), body)

    assert code_of(wrong) == (400, "ValidationException")


def test_a_body_that_says_it_is_no_json_is_not_acceptable(
    account: Account, image_set_id: str, frame_id: str
) -> None:
    headers: Any = {"Content-Type": "text/plain"}
    body = b'{"imageFrameId":"%b"}' % frame_id.encode()

    wrong = ask(account.emulator, "POST", target(account, image_set_id), body, **headers)

    assert code_of(wrong) == NOT_ACCEPTABLE


def test_other_operations_look_at_neither(account: Account, image_set_id: str) -> None:
    headers: Any = {"Content-Type": "text/plain", "Accept": "image/png"}
    look = ask(account.emulator, "POST", target(account, image_set_id, "getImageSet"), **headers)
    malformed = ask(
        account.emulator, "POST", f"/datastore/{account.datastore_id}/searchImageSets", b"{"
    )

    assert look[0] == 200
    assert code_of(malformed) == (400, "ValidationException")
