"""A refused write to an image set is looked into, and never decided by its text (R-5a, R-5b)."""

import pickle
from collections.abc import Callable

import pytest
from fake_time import FakeTime
from sample_calls import (
    COPIED,
    DATASTORE_ID,
    DESTINATION_ID,
    IMAGE_SET_ID,
    CallIt,
    copy,
    copy_into,
    delete,
    image_set,
    update,
)
from scripted_server import ScriptedServer, Step, answer, error, reset, silence
from serving import Serve

from healthimaging_sdk import (
    ConflictException,
    HealthImagingClient,
    HealthImagingError,
    Outcome,
    ResourceNotFoundException,
    ServiceError,
    StaleVersionError,
    WriteOutcomeUnknown,
)

TEXTS = (
    "",
    "The image set is LOCKED.",
    "Requested version(s) of ImageSet(s) is not the latest.",
    "Anything else",
)
SOURCE_LOOK = f"/datastore/{DATASTORE_ID}/imageSet/{IMAGE_SET_ID}/getImageSet"
DESTINATION_LOOK = f"/datastore/{DATASTORE_ID}/imageSet/{DESTINATION_ID}/getImageSet"

any_text = pytest.mark.parametrize("text", TEXTS)


def conflict(text: str = "") -> Step:
    return error(409, "ConflictException", text)


def missing(text: str = "") -> Step:
    return error(404, "ResourceNotFoundException", text)


async def caught(call: CallIt, client: HealthImagingClient) -> HealthImagingError:
    with pytest.raises(HealthImagingError) as raised:
        await call(client)
    return raised.value


def looks(server: ScriptedServer) -> list[str]:
    return [each.target for each in server.requests if "getImageSet" in each.target]


@any_text
@pytest.mark.parametrize("call", [update, delete])
async def test_a_write_waits_for_the_lock_to_end_and_is_sent_again(
    serve: Serve, time: FakeTime, call: CallIt, text: str
) -> None:
    locked = image_set("LOCKED")
    server, client = await serve(conflict(text), locked, locked, locked, image_set(), image_set())
    await call(client)
    assert looks(server) == [SOURCE_LOOK] * 4
    assert len(server.requests) == 6
    # Looks: the ceiling of their pauses doubles. Then the delay of a retry.
    assert time.sleeps == [0.5, 1.0, 2.0, 1.0]


@pytest.mark.parametrize("call", [copy, copy_into])
async def test_a_refused_copy_is_sent_again_when_its_image_sets_are_free(
    serve: Serve, call: CallIt
) -> None:
    destination = [image_set("ACTIVE", "3")] if call is copy_into else []
    server, client = await serve(conflict(), image_set(), *destination, COPIED)
    await call(client)
    assert looks(server) == [SOURCE_LOOK, DESTINATION_LOOK][: 1 + len(destination)]
    assert len(server.requests) == 3 + len(destination)


async def test_the_pauses_between_looks_are_never_longer_than_fifteen_seconds(
    serve: Serve, time: FakeTime
) -> None:
    locked = [image_set("LOCKED")] * 8
    _, client = await serve(conflict(), *locked, image_set(), image_set(), deadline=None)
    await update(client)
    assert time.sleeps == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0, 1.0]


@any_text
@pytest.mark.parametrize("refusal", [conflict, missing])
@pytest.mark.parametrize("state", ["ACTIVE", "LOCKED"])
async def test_an_old_version_is_told_from_a_lock(
    serve: Serve, time: FakeTime, refusal: Callable[[str], Step], state: str, text: str
) -> None:
    server, client = await serve(refusal(text), image_set(state, "4"))
    raised = await caught(update, client)
    assert isinstance(raised, StaleVersionError)
    assert (raised.expected, raised.actual, raised.image_set_id) == ("1", "4", IMAGE_SET_ID)
    assert (raised.attempts, raised.operation_name) == (1, "UpdateImageSetMetadata")
    assert not raised.prior_outcome_unknown
    sent = raised.__cause__
    assert type(sent) is (ConflictException if refusal is conflict else ResourceNotFoundException)
    assert (sent.message, sent.request_id) == (text, "a-request-id")
    assert (len(server.requests), time.sleeps) == (2, [])


async def test_an_old_version_of_a_copys_destination_is_named(serve: Serve) -> None:
    server, client = await serve(missing(), image_set(), image_set("ACTIVE", "7"))
    raised = await caught(copy_into, client)
    assert isinstance(raised, StaleVersionError)
    assert (raised.image_set_id, raised.expected, raised.actual) == (DESTINATION_ID, "3", "7")
    assert looks(server) == [SOURCE_LOOK, DESTINATION_LOOK]


async def test_a_locked_destination_holds_a_copy_up(serve: Serve, time: FakeTime) -> None:
    server, client = await serve(
        conflict(),
        *(image_set(), image_set("LOCKED", "3")),
        *(image_set(), image_set("ACTIVE", "3")),
        COPIED,
    )
    await copy_into(client)
    assert looks(server) == [SOURCE_LOOK, DESTINATION_LOOK] * 2
    assert time.sleeps == [0.5, 1.0]


@any_text
async def test_an_image_set_that_is_really_missing_is_missing(serve: Serve, text: str) -> None:
    server, client = await serve(missing(text))
    raised = await caught(update, client)
    assert type(raised) is ResourceNotFoundException
    assert (raised.message, raised.operation_name) == (text, "UpdateImageSetMetadata")
    assert len(server.requests) == 2


async def test_a_404_for_another_reason_than_the_version_is_raised(serve: Serve) -> None:
    server, client = await serve(missing("no such revert"), image_set())
    raised = await caught(update, client)
    assert type(raised) is ResourceNotFoundException
    assert len(server.requests) == 2


@pytest.mark.parametrize("call", [update, delete, copy])
@pytest.mark.parametrize("version_id", ["1", "2"])
async def test_a_deleted_image_set_is_not_waited_for(
    serve: Serve, call: CallIt, version_id: str
) -> None:
    server, client = await serve(conflict(), image_set("DELETED", version_id))
    raised = await caught(call, client)
    assert type(raised) is ConflictException
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "look",
    [
        error(403, "AccessDeniedException"),
        error(500, "InternalServerException"),
        reset,
        answer(200, b"<html>"),
        missing(),
    ],
)
@pytest.mark.parametrize("call", [update, copy, delete])
async def test_a_look_that_fails_leaves_the_services_word(
    serve: Serve, call: CallIt, look: Step
) -> None:
    _, client = await serve(conflict("as it was said"), look)
    raised = await caught(call, client)
    assert type(raised) is ConflictException
    assert (raised.message, raised.attempts) == ("as it was said", 1)
    assert (raised.outcome, raised.prior_outcome_unknown) == (Outcome.REJECTED, False)


async def test_a_look_is_tried_again_like_any_read(serve: Serve) -> None:
    failing = error(500, "InternalServerException")
    server, client = await serve(conflict(), failing, image_set(), image_set())
    await update(client)
    assert len(server.requests) == 4


async def test_a_write_that_is_refused_again_and_again_is_given_up(
    serve: Serve, time: FakeTime
) -> None:
    refused = (conflict(), image_set())
    server, client = await serve(*refused, *refused, *refused)
    raised = await caught(update, client)
    assert type(raised) is ConflictException
    assert (raised.attempts, len(server.requests)) == (3, 6)
    assert time.sleeps == [1.0, 2.0]


@pytest.mark.virtual_time
async def test_a_lock_that_outlasts_the_deadline_is_raised_before_the_sleep(
    serve: Serve, time: FakeTime
) -> None:
    _, client = await serve(conflict("locked"), image_set("LOCKED"), deadline=10)
    began = time.clock()
    raised = await caught(update, client)
    assert type(raised) is ConflictException
    assert (raised.retry_stopped_by, raised.message) == ("deadline", "locked")
    assert time.sleeps == [0.5, 1.0, 2.0, 4.0]
    assert time.clock() - began == pytest.approx(7.5)


@pytest.mark.virtual_time
@pytest.mark.parametrize("call", [update, copy, delete])
async def test_a_look_that_the_deadline_cuts_leaves_the_services_word(
    serve: Serve, time: FakeTime, call: CallIt
) -> None:
    server, client = await serve(conflict("locked"), silence, deadline=10)
    began = time.clock()
    raised = await caught(call, client)
    assert type(raised) is ConflictException
    assert (raised.retry_stopped_by, raised.outcome) == ("deadline", Outcome.REJECTED)
    assert time.clock() - began == pytest.approx(10)
    assert len(server.requests) == 2


# ── After a lost answer ───────────────────────────────────────────────────────


@any_text
@pytest.mark.parametrize("refusal", [conflict, missing])
async def test_one_version_more_after_a_lost_answer_is_likely_our_own(
    serve: Serve, refusal: Callable[[str], Step], text: str
) -> None:
    _, client = await serve(reset, refusal(text), image_set("LOCKED", "2"))
    raised = await caught(update, client)
    assert isinstance(raised, WriteOutcomeUnknown)
    assert raised.likely_applied
    assert (raised.attempts, raised.prior_outcome_unknown) == (2, True)
    assert [each.outcome for each in raised.failures] == [Outcome.UNKNOWN, Outcome.REJECTED]
    assert pickle.loads(pickle.dumps(raised)).likely_applied


@pytest.mark.parametrize("actual", ["3", "12", "0", "not a number"])
async def test_another_version_after_a_lost_answer_is_not_ours(serve: Serve, actual: str) -> None:
    _, client = await serve(reset, conflict(), image_set("ACTIVE", actual))
    raised = await caught(update, client)
    assert isinstance(raised, StaleVersionError)
    assert (raised.actual, raised.prior_outcome_unknown) == (actual, True)


async def test_the_same_version_after_a_lost_answer_means_that_it_was_not_applied(
    serve: Serve,
) -> None:
    server, client = await serve(
        reset, conflict(), image_set("LOCKED"), image_set(), image_set("LOCKED", "2")
    )
    await update(client)
    assert len(server.requests) == 5


async def test_a_copy_gives_its_destination_a_version_and_not_its_source(serve: Serve) -> None:
    _, client = await serve(reset, missing(), image_set("ACTIVE", "2"), image_set("ACTIVE", "3"))
    raised = await caught(copy_into, client)
    assert isinstance(raised, StaleVersionError)
    assert raised.image_set_id == IMAGE_SET_ID


async def test_one_version_more_of_a_copys_destination_is_likely_our_own(serve: Serve) -> None:
    _, client = await serve(reset, missing(), image_set(), image_set("LOCKED", "4"))
    raised = await caught(copy_into, client)
    assert isinstance(raised, WriteOutcomeUnknown)
    assert raised.likely_applied
    assert raised.resources == {"image_set_id": DESTINATION_ID}


@pytest.mark.parametrize("step", [missing(), conflict()])
async def test_a_deletion_after_a_lost_answer_says_that_it_may_be_its_own_trace(
    serve: Serve, step: Step
) -> None:
    _, client = await serve(reset, step, image_set("DELETED"))
    raised = await caught(delete, client)
    assert isinstance(raised, ServiceError)
    assert raised.prior_outcome_unknown


async def test_a_refusal_without_an_unknown_before_it_is_never_likely_applied(
    serve: Serve,
) -> None:
    throttled = error(429, "ThrottlingException")
    _, client = await serve(throttled, conflict(), image_set("ACTIVE", "2"))
    raised = await caught(update, client)
    assert isinstance(raised, StaleVersionError)
    assert not raised.prior_outcome_unknown
