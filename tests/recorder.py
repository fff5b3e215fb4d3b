"""An observer for tests: it keeps the reports, and how the calls ended."""

from collections.abc import Generator
from contextlib import contextmanager

from attrs import define, field

from healthimaging_sdk import CallReport


@define
class Recorder:
    reports: list[CallReport] = field(factory=list[CallReport])
    """Of the calls that have begun."""
    ends: list[BaseException | None] = field(factory=list[BaseException | None])

    @contextmanager
    def __call__(self, report: CallReport) -> Generator[None]:
        self.reports.append(report)
        try:
            yield
        except BaseException as error:
            self.ends.append(error)
            raise
        self.ends.append(None)

    @property
    def last(self) -> CallReport:
        return self.reports[-1]

    @property
    def attempts(self) -> list[tuple[str, int, str | None]]:
        """Those of the last call: operation, number, and what failed."""
        return [(each.operation_name, each.number, each.error_code) for each in self.last.attempts]
