"""Spans and metrics of every call, for OpenTelemetry: the extra `opentelemetry`.

    client = HealthImagingClient(config=Config(observers=(OpenTelemetryObserver(),)))

A span per call, current while the call runs, with the names of the conventions for AWS SDKs
(https://opentelemetry.io/docs/specs/semconv/cloud-providers/aws-sdk/) and, for what those do not
know, with `healthimaging.*`. Nothing of the account's, of a request or of an answer is in them;
of an error there is its code and never its text.
"""

import time
from collections.abc import Generator
from contextlib import contextmanager

from opentelemetry import metrics, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from healthimaging_sdk._version import __version__
from healthimaging_sdk.reports import CallReport, error_code

SERVICE = "Medical Imaging"
"""As AWS's SDKs name it in telemetry: the `serviceId` of the service's model."""

Attributes = dict[str, str | int | float | bool]


class OpenTelemetryObserver:
    """An observer for `Config.observers`, of as many clients as you like.

    Without arguments it uses OpenTelemetry's global providers, now or whenever they are set,
    and can be pickled with a `Config`.

    Spans are named "Medical Imaging.GetImageSet". The metrics are `rpc.client.call.duration`
    and `healthimaging.client.pacing.duration` (histograms, seconds) and
    `healthimaging.client.attempts`, `.throttles` and `.received` (counters; the last in bytes).
    """

    def __init__(
        self,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        self._providers = tracer_provider, meter_provider
        self._tracer = trace.get_tracer("healthimaging_sdk", __version__, tracer_provider)
        meter = metrics.get_meter("healthimaging_sdk", __version__, meter_provider)
        self._duration = meter.create_histogram(
            "rpc.client.call.duration", "s", "How long calls took, all attempts and pauses included"
        )
        self._pacing = meter.create_histogram(
            "healthimaging.client.pacing.duration", "s", "How long calls queued, of those that did"
        )
        self._attempts = meter.create_counter(
            "healthimaging.client.attempts", "{attempt}", "Requests that calls made"
        )
        self._throttles = meter.create_counter(
            "healthimaging.client.throttles", "{answer}", "Answers that asked to slow down"
        )
        self._received = meter.create_counter(
            "healthimaging.client.received", "By", "Bodies of answers as they came"
        )

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), self._providers

    @contextmanager
    def __call__(self, report: CallReport) -> Generator[None]:
        attributes: Attributes = {
            "rpc.system": "aws-api",
            "rpc.service": SERVICE,
            "rpc.method": report.operation_name,
        }
        began = time.perf_counter()
        with self._tracer.start_as_current_span(
            f"{SERVICE}.{report.operation_name}",
            kind=SpanKind.CLIENT,
            attributes=attributes,
            # Both would add the error's text.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            except BaseException as error:
                attributes["error.type"] = error_code(error)
                span.set_status(Status(StatusCode.ERROR))
                raise
            finally:
                if report.region is not None:
                    attributes["cloud.region"] = report.region
                self._measure(report, time.perf_counter() - began, attributes)
                _describe(span, report, attributes)

    def _measure(self, report: CallReport, seconds: float, attributes: Attributes) -> None:
        self._duration.record(seconds, attributes)
        self._attempts.add(len(report.attempts), attributes)
        if report.throttles:
            self._throttles.add(report.throttles, attributes)
        if report.pacing_seconds:
            self._pacing.record(report.pacing_seconds, attributes)
        self._received.add(report.received_bytes, attributes)


def _describe(span: Span, report: CallReport, attributes: Attributes) -> None:
    if not span.is_recording():
        return
    found: Attributes = {
        **attributes,
        "healthimaging.attempts": len(report.attempts),
        "healthimaging.throttles": report.throttles,
        "healthimaging.pacing_seconds": report.pacing_seconds,
        "healthimaging.received_bytes": report.received_bytes,
        "healthimaging.outcome_unknown": report.outcome_unknown,
    }
    last = report.last_attempt
    if last is not None and last.request_id is not None:
        found["aws.request_id"] = last.request_id
    if last is not None and last.status_code is not None:
        found["http.response.status_code"] = last.status_code
    span.set_attributes(found)
