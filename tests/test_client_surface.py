"""The client's methods are the service's operations, and refuse what cannot be."""

import inspect
import pickle
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, get_type_hints

import attrs
import pytest
from botocore import xform_name
from examples_of_calls import ANSWERS, ARGUMENTS, ARN, DATASTORE_ID, IMAGE_SET_ID
from scripted_server import Received, ScriptedServer
from serving import CREDENTIALS, Serve

from healthimaging_sdk import (
    GET_DATASTORE,
    ClientClosed,
    Config,
    ConflictException,
    DatastoreStatus,
    GetImageSetRequest,
    HealthImagingClient,
    HealthImagingError,
    JobStatus,
    LosslessStorageFormat,
    Operation,
    Outcome,
    ParamValidationError,
    StaleVersionError,
    TransportError,
    WaiterFailed,
    WriteOutcomeUnknown,
)
from healthimaging_sdk.operations import ALL, BY_NAME

Card = Operation[Any, Any]
AS_A_PARAMETER: Mapping[object, object] = {
    dict[str, str]: Mapping[str, str],
    dict[str, str] | None: Mapping[str, str] | None,
}
each_operation = pytest.mark.parametrize("operation", ALL, ids=lambda card: card.name)


def method_of(operation: Card) -> str:
    return xform_name(operation.name)


async def called(
    client: HealthImagingClient, operation: Card, arguments: Mapping[str, Any]
) -> object:
    return await getattr(client, method_of(operation))(**arguments)


# ── Methods ───────────────────────────────────────────────────────────────────


@each_operation
def test_a_method_takes_what_its_request_holds(operation: Card) -> None:
    method = getattr(HealthImagingClient, method_of(operation))
    hints = get_type_hints(method)
    _, *parameters = inspect.signature(method).parameters.values()
    fields = attrs.fields_dict(operation.request)
    assert sorted(parameter.name for parameter in parameters) == sorted(fields)
    for parameter in parameters:
        field = fields[parameter.name]
        is_token = parameter.name == "client_token"
        default = inspect.Parameter.empty if field.default is attrs.NOTHING else None
        assert parameter.default is default
        assert hints[parameter.name] == (
            str | None if is_token else AS_A_PARAMETER.get(field.type, field.type)
        )


@each_operation
def test_ids_may_be_positional_and_all_else_is_named(operation: Card) -> None:
    method = getattr(HealthImagingClient, method_of(operation))
    _, *parameters = inspect.signature(method).parameters.values()
    positional = [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    assert tuple(positional) == operation.labels
    assert {each.kind for each in parameters[len(positional) :]} <= {inspect.Parameter.KEYWORD_ONLY}


@each_operation
def test_a_method_is_awaited_for_its_response_and_explains_itself(operation: Card) -> None:
    method = getattr(HealthImagingClient, method_of(operation))
    assert inspect.iscoroutinefunction(method)
    assert get_type_hints(method)["return"] is operation.response
    assert method.__doc__


def on_the_wire(request: Received) -> tuple[str, str, bytes]:
    return request.method, request.target, request.body


@each_operation
async def test_a_method_with_all_its_arguments_does_what_call_does(
    serve: Serve, operation: Card
) -> None:
    server, client = await serve(ANSWERS[operation.name])
    arguments = ARGUMENTS[operation.name]
    assert set(arguments) == set(attrs.fields_dict(operation.request)), "forgotten here"
    by_method = await called(client, operation, arguments)
    by_call = await client.call(operation, operation.request(**arguments))
    assert type(by_method) is operation.response
    assert by_method == by_call
    assert on_the_wire(server.requests[0]) == on_the_wire(server.requests[1])


@pytest.mark.parametrize("name", ["CreateDatastore", "StartDICOMImportJob"])
async def test_a_client_token_is_made_for_each_call(serve: Serve, name: str) -> None:
    server, client = await serve(ANSWERS[name])
    arguments = {key: value for key, value in ARGUMENTS[name].items() if key != "client_token"}
    for _ in range(2):
        await called(client, BY_NAME[name], arguments)
    tokens = {request.body.partition(b'"clientToken": "')[2][:36] for request in server.requests}
    assert len(tokens) == 2
    assert all(len(token) == 36 for token in tokens)


async def test_plain_strings_stand_for_enums(serve: Serve) -> None:
    server, client = await serve(ANSWERS["ListDatastores"])
    # Type checkers want the enum; at run time a plain string will do.
    statuses: list[Any] = ["ACTIVE", DatastoreStatus.ACTIVE, DatastoreStatus("ACTIVE")]
    for status in statuses:
        page = await client.list_datastores(datastore_status=status)
        assert page.datastore_summaries[0].datastore_status == "ACTIVE"
    assert len({request.target for request in server.requests}) == 1
    server.steps = [ANSWERS["CreateDatastore"]]
    formats: list[Any] = ["HTJ2K", LosslessStorageFormat.HTJ2K]
    for form in formats:
        await client.create_datastore(lossless_storage_format=form, client_token="t")
    assert len({request.body for request in server.requests[3:]}) == 1
    server.steps = [ANSWERS["ListDICOMImportJobs"]]
    tomorrows: list[Any] = ["OF_TOMORROW", JobStatus("OF_TOMORROW")]
    for status in tomorrows:
        await client.list_dicom_import_jobs(DATASTORE_ID, job_status=status)
    assert server.requests[-1].target == server.requests[-2].target


# ── What cannot be ────────────────────────────────────────────────────────────

BAD_IDS = ["", ".", "..", "../x", "a/b", "%2e", "a\r\nb", "\0", "１" * 32, "D" * 32, 7, None]  # noqa: RUF001


@each_operation
async def test_bad_ids_are_refused_before_any_traffic(serve: Serve, operation: Card) -> None:
    server, client = await serve(ANSWERS[operation.name])
    for label in operation.labels:
        for bad in BAD_IDS:
            with pytest.raises(ParamValidationError) as caught:
                await called(client, operation, {**ARGUMENTS[operation.name], label: bad})
            assert caught.value.parameter == label
            assert not isinstance(bad, str) or len(bad) < 3 or bad not in str(caught.value)
    assert server.connections == 0


@pytest.mark.parametrize(
    ("name", "wrong", "parameter"),
    [
        ("CreateDatastore", {"tags": "a=b"}, "tags"),
        ("CreateDatastore", {"tags": 7}, "tags"),
        ("CreateDatastore", {"client_token": ""}, "client_token"),
        ("TagResource", {"tags": ["a", "b"]}, "tags"),
        ("TagResource", {"tags": {"aws:a": "b"}}, "tags"),
        ("UntagResource", {"tag_keys": "ab"}, "tag_keys"),
        ("GetImageSet", {"version_id": "1.0"}, "version_id"),
        ("GetImageSet", {"version_id": 1}, "version_id"),
        ("ListDatastores", {"max_results": 51}, "max_results"),
        ("ListDatastores", {"max_results": True}, "max_results"),
        ("ListDatastores", {"next_token": ""}, "next_token"),
        ("GetImageFrame", {"image_frame_information": "f" * 32}, "image_frame_information"),
        ("GetImageFrame", {"image_frame_information": None}, "image_frame_information"),
        ("CopyImageSet", {"copy_image_set_information": {}}, "copy_image_set_information"),
        ("CopyImageSet", {"force": "yes"}, "force"),
        (
            "UpdateImageSetMetadata",
            {"update_image_set_metadata_updates": b"{}"},
            "update_image_set_metadata_updates",
        ),
        ("StartDICOMImportJob", {"input_s3_uri": "input/"}, "input_s3_uri"),
        ("SearchImageSets", {"search_criteria": {"filters": []}}, "search_criteria"),
    ],
)
async def test_bad_arguments_are_refused_before_any_traffic(
    serve: Serve, name: str, wrong: Mapping[str, Any], parameter: str
) -> None:
    server, client = await serve(ANSWERS[name])
    with pytest.raises(ParamValidationError) as caught:
        await called(client, BY_NAME[name], {**ARGUMENTS[name], **wrong})
    assert caught.value.parameter == parameter
    assert isinstance(caught.value, ValueError)
    assert server.connections == 0


async def test_a_request_of_another_operation_is_refused(serve: Serve) -> None:
    server, client = await serve()
    request: Any = GetImageSetRequest(datastore_id=DATASTORE_ID, image_set_id=IMAGE_SET_ID)
    with pytest.raises(ParamValidationError, match="must be a GetDatastoreRequest"):
        await client.call(GET_DATASTORE, request)
    assert server.connections == 0


async def test_streams_and_waiters_refuse_bad_ids_too(serve: Serve) -> None:
    server, client = await serve()
    frame = ARGUMENTS["GetImageFrame"]["image_frame_information"]
    with pytest.raises(ParamValidationError, match="datastore_id"):
        client.stream_image_set_metadata("..", IMAGE_SET_ID)
    with pytest.raises(ParamValidationError, match="image_set_id"):
        client.stream_image_frame(DATASTORE_ID, "..", image_frame_information=frame)
    with pytest.raises(ParamValidationError, match="image_set_id"):
        await client.wait_until_image_set_copied(DATASTORE_ID, "..", timeout=1)
    with pytest.raises(ParamValidationError, match="job_id"):
        await client.wait_until_dicom_import_job_completed(DATASTORE_ID, "..", timeout=1)
    with pytest.raises(ParamValidationError, match="datastore_id"):
        await client.wait_until_datastore_active("..", timeout=1)
    assert server.connections == 0


# ── The client's life ─────────────────────────────────────────────────────────


def test_a_client_takes_nothing_by_position() -> None:
    _, *parameters = inspect.signature(HealthImagingClient.__init__).parameters.values()
    assert {each.kind for each in parameters} == {inspect.Parameter.KEYWORD_ONLY}
    assert {each.name: each.default for each in parameters} == dict.fromkeys(
        ["region", "profile", "credentials", "endpoint_url", "config"]
    )


async def test_the_block_gives_the_client_and_closes_it() -> None:
    async with ScriptedServer([ANSWERS["GetDatastore"]]) as server:
        client = HealthImagingClient(
            region="us-east-1", credentials=CREDENTIALS, endpoint_url=server.url
        )
        async with client as entered:
            assert entered is client
            await client.get_datastore(DATASTORE_ID)
        await server.all_closed()
        with pytest.raises(ClientClosed):
            await client.get_datastore(DATASTORE_ID)


@each_operation
async def test_a_closed_client_says_so(serve: Serve, operation: Card) -> None:
    server, client = await serve(ANSWERS[operation.name])
    await client.aclose()
    await client.aclose()
    with pytest.raises(ClientClosed) as caught:
        await called(client, operation, ARGUMENTS[operation.name])
    assert caught.value.operation_name == operation.name
    assert caught.value.outcome is Outcome.NOT_SENT
    assert server.connections == 0


async def test_closed_streams_pagers_and_waiters_say_so(serve: Serve) -> None:
    server, client = await serve()
    stream = client.stream_image_set_metadata(DATASTORE_ID, IMAGE_SET_ID)
    pager = client.iter_datastores()
    await client.aclose()
    with pytest.raises(ClientClosed):
        await stream.__aenter__()
    with pytest.raises(ClientClosed):
        await anext(pager)
    with pytest.raises(ClientClosed):
        await anext(client.iter_datastores().pages())
    with pytest.raises(ClientClosed):
        await client.wait_until_datastore_deleted(DATASTORE_ID, timeout=1)
    assert server.connections == 0


def test_a_client_shows_no_credentials() -> None:
    client = HealthImagingClient(region="us-east-1", credentials=CREDENTIALS)
    assert CREDENTIALS.secret_access_key not in repr(vars(client))
    assert CREDENTIALS.secret_access_key not in repr(client)


# ── Configuration ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("max_attempts", 0),
        ("max_attempts", 2.5),
        ("max_attempts", "3"),
        ("pool_size", 0),
        ("pool_size", True),
        ("pool_size", 1.5),
        ("max_decoded_bytes", -1),
        ("deadline", 0),
        ("deadline", "soon"),
        ("deadline", timedelta(seconds=-1)),
        ("connect_timeout", 0),
        ("connect_timeout", None),
        ("read_timeout", float("nan")),
        ("read_timeout", 10**400),
        ("pacing", "slow"),
        ("pacing", None),
        ("user_agent_suffix", "a\r\nb"),
        ("user_agent_suffix", "ümlaut"),
        ("user_agent_suffix", b"bytes"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(name: str, bad: Any) -> None:
    settings = {name: bad}
    with pytest.raises(ParamValidationError) as caught:
        Config(**settings)
    assert caught.value.parameter == name


def test_durations_are_seconds_or_timedeltas() -> None:
    config = Config(
        deadline=timedelta(minutes=1), connect_timeout=timedelta(seconds=0.5), read_timeout=7
    )
    assert (config.deadline, config.connect_timeout, config.read_timeout) == (60.0, 0.5, 7.0)
    assert Config(deadline=None).deadline is None


def test_a_configuration_is_frozen_and_hides_its_proxy() -> None:
    config = Config(proxy="http://user:canary@proxy.example:8080")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        config.pool_size = 3  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    assert "canary" not in repr(config)
    with pytest.raises(TypeError):
        Config(3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


# ── Pickles ───────────────────────────────────────────────────────────────────


def test_a_configuration_survives_pickling() -> None:
    config = Config(max_attempts=5, pacing="published", deadline=None)
    assert pickle.loads(pickle.dumps(config)) == config


@each_operation
async def test_requests_and_responses_survive_pickling(serve: Serve, operation: Card) -> None:
    _, client = await serve(ANSWERS[operation.name])
    request = operation.request(**ARGUMENTS[operation.name])
    response = await client.call(operation, request)
    for model in (request, response):
        copy = pickle.loads(pickle.dumps(model))
        assert copy == model
        assert type(copy) is type(model)


_CONFLICT = ConflictException("locked", request_id="an-id", operation_name="UpdateImageSetMetadata")


@pytest.mark.parametrize(
    "error",
    [
        ParamValidationError("image_set_id", "must match"),
        ClientClosed("closed", Outcome.UNKNOWN),
        TransportError("lost", Outcome.UNKNOWN, retryable=False),
        _CONFLICT,
        StaleVersionError(_CONFLICT, IMAGE_SET_ID, "1", "2"),
        WriteOutcomeUnknown(
            "CopyImageSet",
            {"datastore_id": DATASTORE_ID},
            (TransportError("lost", Outcome.UNKNOWN),),
            likely_applied=True,
        ),
        WaiterFailed("the copy failed", None, "its reason"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_survives_pickling(error: HealthImagingError) -> None:
    error.attempts = 3
    error.retry_stopped_by = "quota"
    error.prior_outcome_unknown = True
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (str(copy), repr(copy)) == (str(error), repr(error))
    assert repr(vars(copy)) == repr(vars(error))


async def test_a_resources_arn_is_a_segment_of_the_path(serve: Serve) -> None:
    server, client = await serve(ANSWERS["ListTagsForResource"])
    await client.list_tags_for_resource(ARN)
    assert server.requests[0].target.count("/") == 2
