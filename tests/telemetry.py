"""OpenTelemetry in memory: what an application would have exported."""

from collections.abc import Iterator
from typing import Any

from attrs import define, field
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from healthimaging_sdk.opentelemetry import OpenTelemetryObserver


@define
class Telemetry:
    tracer_provider: TracerProvider = field(factory=TracerProvider)
    _spans: InMemorySpanExporter = field(factory=InMemorySpanExporter)
    _metrics: InMemoryMetricReader = field(factory=InMemoryMetricReader)
    observer: OpenTelemetryObserver = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._spans))
        meter_provider = MeterProvider([self._metrics])
        self.observer = OpenTelemetryObserver(self.tracer_provider, meter_provider)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._spans.get_finished_spans()

    def points(self) -> Iterator[tuple[str, Any]]:
        """Each metric's name, with each point of it."""
        data = self._metrics.get_metrics_data()
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.data.data_points:
                        yield metric.name, point

    def exported(self) -> str:
        """All of it, as text."""
        return "\n".join([*(span.to_json() for span in self.spans), *map(repr, self.points())])
