"""Spans and metrics of calls, as an application's exporters get them."""

import asyncio
import pickle

import pytest
from attrs import define, field
from blobs import GZIP, metadata, streamed
from opentelemetry import trace
from opentelemetry.trace import SpanContext, SpanKind, StatusCode
from sample_calls import COPIED, OK, copy, get
from scripted_server import error, reset, silence
from serving import CREDENTIALS, Serve
from telemetry import Telemetry

from healthimaging_sdk import (
    Config,
    Credentials,
    HealthImagingClient,
    ResourceNotFoundException,
    WriteOutcomeUnknown,
)
from healthimaging_sdk.emulator import Emulator, Fault
from healthimaging_sdk.opentelemetry import OpenTelemetryObserver

COMMON = {
    "rpc.system": "aws-api",
    "rpc.service": "Medical Imaging",
    "cloud.region": "us-east-1",
}
THROTTLE = error(429, "ThrottlingException")


@define
class AskedDuringCalls:
    """Credentials that see which span is current."""

    spans: list[SpanContext] = field(factory=list[SpanContext])

    async def get(self) -> Credentials:
        self.spans.append(trace.get_current_span().get_span_context())
        return CREDENTIALS


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


async def test_a_call_is_a_span(serve: Serve, telemetry: Telemetry) -> None:
    steps = (error(429, "ThrottlingException"), metadata(GZIP))
    _, client = await serve(*steps, observers=[telemetry.observer], pacing="off")
    await streamed(client)
    (span,) = telemetry.spans
    assert (span.name, span.kind) == ("Medical Imaging.GetImageSetMetadata", SpanKind.CLIENT)
    assert span.attributes == {
        **COMMON,
        "rpc.method": "GetImageSetMetadata",
        "http.response.status_code": 200,
        "healthimaging.attempts": 2,
        "healthimaging.throttles": 1,
        "healthimaging.pacing_seconds": 0.0,
        "healthimaging.received_bytes": len(b'{"message": ""}') + len(GZIP),
        "healthimaging.outcome_unknown": False,
    }
    assert span.status.status_code is StatusCode.UNSET


async def test_calls_to_the_emulator_are_spans(
    healthimaging_emulator: Emulator, telemetry: Telemetry
) -> None:
    healthimaging_emulator.faults.add(Fault(operation="CreateDatastore", kind="500"))
    async with HealthImagingClient(
        region=healthimaging_emulator.region,
        credentials=healthimaging_emulator.credentials,
        endpoint_url=healthimaging_emulator.endpoint_url,
        config=Config(observers=(telemetry.observer,)),
    ) as client:
        created = await client.create_datastore(datastore_name="watched")
        await client.wait_until_datastore_active(created.datastore_id, timeout=20, min_delay=0.01)
        with pytest.raises(ResourceNotFoundException):
            await client.get_image_set(created.datastore_id, "1" * 32)
    first, *looks, last = telemetry.spans
    assert first.name == "Medical Imaging.CreateDatastore"
    assert first.attributes
    assert first.attributes["healthimaging.attempts"] == 2
    assert first.attributes["aws.request_id"]
    assert {each.name for each in looks} == {"Medical Imaging.GetDatastore"}
    assert last.name == "Medical Imaging.GetImageSet"
    assert last.status.status_code is StatusCode.ERROR


async def test_an_error_is_its_code_and_never_its_text(serve: Serve, telemetry: Telemetry) -> None:
    missing = error(404, "ResourceNotFoundException", "no image set of MX^MX")
    _, client = await serve(missing, observers=[telemetry.observer])
    with pytest.raises(ResourceNotFoundException):
        await get(client)
    (span,) = telemetry.spans
    assert span.attributes
    assert span.attributes["error.type"] == "ResourceNotFoundException"
    assert span.attributes["http.response.status_code"] == 404
    assert span.attributes["aws.request_id"] == "a-request-id"
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
    assert span.events == ()
    assert "MX" not in telemetry.exported()


async def test_a_write_whose_answer_was_lost_is_an_error(
    serve: Serve, telemetry: Telemetry
) -> None:
    _, client = await serve(reset, observers=[telemetry.observer])
    with pytest.raises(WriteOutcomeUnknown):
        await copy(client)
    (span,) = telemetry.spans
    assert span.attributes
    assert span.attributes["error.type"] == "WriteOutcomeUnknown"
    assert span.attributes["healthimaging.outcome_unknown"] is True
    assert "http.response.status_code" not in span.attributes


async def test_a_cancelled_call_ends_its_span(serve: Serve, telemetry: Telemetry) -> None:
    _, client = await serve(silence, observers=[telemetry.observer])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(get(client), 0.05)
    (span,) = telemetry.spans
    assert span.attributes
    assert span.attributes["error.type"] == "CancelledError"
    assert span.status.status_code is StatusCode.ERROR


async def test_the_span_is_a_child_of_the_callers_and_current_during_the_call(
    serve: Serve, telemetry: Telemetry
) -> None:
    credentials = AskedDuringCalls()
    _, client = await serve(OK, credentials=credentials, observers=[telemetry.observer])
    with telemetry.tracer_provider.get_tracer("test").start_as_current_span("outer"):
        await asyncio.gather(get(client), get(client))
    *calls, outer = telemetry.spans
    assert [call.parent for call in calls] == [outer.context] * 2
    assert len(credentials.spans) == len(calls) == 2
    assert all(call.context in credentials.spans for call in calls)
    assert calls[0].context != calls[1].context
    assert trace.get_current_span() is trace.INVALID_SPAN


@pytest.mark.virtual_time
async def test_metrics(serve: Serve, telemetry: Telemetry) -> None:
    _, client = await serve(THROTTLE, COPIED, observers=[telemetry.observer])
    await copy(client)
    await copy(client)
    found = dict(telemetry.points())
    expected = {**COMMON, "rpc.method": "CopyImageSet"}
    assert all(point.attributes == expected for point in found.values())
    assert found["rpc.client.call.duration"].count == 2
    assert found["healthimaging.client.attempts"].value == 3
    assert found["healthimaging.client.throttles"].value == 1
    assert found["healthimaging.client.received"].value > 300
    pacing = found["healthimaging.client.pacing.duration"]
    # The first copy after the throttling, and the second one, are four seconds apart from it.
    assert (pacing.count, pacing.sum) == (2, pytest.approx(7))


def test_the_observer_can_be_pickled_with_its_configuration() -> None:
    config = pickle.loads(pickle.dumps(Config(observers=[OpenTelemetryObserver()])))
    (observer,) = config.observers
    assert isinstance(observer, OpenTelemetryObserver)
