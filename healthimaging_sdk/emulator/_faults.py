"""What goes wrong on purpose, by operation and count.

emulator.faults.add(Fault(operation="CopyImageSet", kind="lost", times=2))
python -m healthimaging_sdk.emulator --fault CopyImageSet:lost:2
"""

import re
import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from typing import Any, TypeGuard

from attrs import evolve, field, frozen

from healthimaging_sdk import operations
from healthimaging_sdk._protocol import MODELLED_ERRORS, HttpResponse, write_error
from healthimaging_sdk.emulator._limits import is_number

EVERY_OPERATION = "*"


class FaultKind(StrEnum):
    """How a request goes wrong; a name of `MODELLED_ERRORS` is a kind too."""

    HTTP_500 = "500"
    """In place of the operation: from a machine in between, without an error code."""

    HTTP_503 = "503"
    RESET = "reset"
    """In place of the operation, the connection is reset."""

    LOST = "lost"
    """The operation is applied; the connection is closed without an answer."""

    DELAY = "delay"
    """The operation is applied; the answer comes that many seconds later."""

    SLOW = "slow"
    """The body comes at that many bytes per second."""

    TRUNCATED = "truncated"
    """Half of the body comes, and then the end of the connection."""

    BAD_GZIP = "bad-gzip"
    """A byte in the middle of the compressed document is another."""

    BAD_CRC = "bad-crc"
    """The document is whole, the checksum at its end is not."""

    DATE = "date"
    """The emulator's clock is that many seconds ahead: in `Date`, and for the signature."""


_WITH_VALUE = frozenset({FaultKind.DELAY, FaultKind.SLOW, FaultKind.DATE})
_OF_DOCUMENTS = frozenset({FaultKind.BAD_GZIP, FaultKind.BAD_CRC})
_OPERATIONS = {operation.name: operation for operation in operations.ALL}
_GRAMMAR = re.compile(
    r"(?P<operation>\*|[A-Za-z]+):(?P<kind>[A-Za-z0-9-]+)(?:=(?P<value>[-+.\w]+))?"
    r"(?::(?P<times>\d{1,9}|always)(?::(?P<after>\d{1,9}))?)?",
    re.ASCII,
)


def _known_operation(_: object, __: object, name: Any) -> None:
    if not isinstance(name, str) or name not in {EVERY_OPERATION, *_OPERATIONS}:
        raise ValueError("operation: must be the name of an operation, or *")


def _known_kind(fault: "Fault", _: object, kind: Any) -> None:
    kinds = [*FaultKind, *MODELLED_ERRORS]
    if not isinstance(kind, str) or kind not in kinds:
        raise ValueError(f"kind: must be one of {', '.join(kinds)}")
    operation = _OPERATIONS.get(fault.operation)
    if kind in _OF_DOCUMENTS and not (operation and operation.gzipped):
        raise ValueError(f"operation: {kind} is for GetImageSetMetadata")


def _fitting_value(fault: "Fault", _: object, value: Any) -> None:
    if fault.kind not in _WITH_VALUE:
        if value is not None:
            raise ValueError(f"value: {fault.kind} has none")
    elif not is_number(value):
        raise ValueError(f"value: {fault.kind} needs a number")
    elif value <= 0 and fault.kind != FaultKind.DATE:
        raise ValueError(f"value: {fault.kind} needs a positive number")


def _count_or_all(_: object, __: object, times: Any) -> None:
    if times is not None and not (_is_whole(times) and times >= 1):
        raise ValueError("times: must be a whole number, at least 1")


def _count(_: object, __: object, after: Any) -> None:
    if not (_is_whole(after) and after >= 0):
        raise ValueError("after: must be a whole number, at least 0")


def _is_whole(number: object) -> TypeGuard[int]:
    return is_number(number) and isinstance(number, int)


@frozen(kw_only=True)
class Fault:
    """Raises `ValueError`, with the name of the member, for what makes no sense."""

    operation: str = field(validator=_known_operation)
    """Its name, or "*" for every operation."""

    kind: str = field(validator=_known_kind)
    """A `FaultKind`, or the name of a modelled error such as "ThrottlingException"."""

    value: float | None = field(default=None, validator=_fitting_value)
    """Seconds of a delay or a date, bytes per second of a slow body; nothing for other kinds."""

    times: int | None = field(default=1, validator=_count_or_all)
    """How many requests it meets; `None` for all of them."""

    after: int = field(default=0, validator=_count)
    """How many requests of the operation pass unharmed before."""

    @classmethod
    def parse(cls, text: str) -> "Fault":
        """`OPERATION:KIND[=VALUE][:TIMES[:AFTER]]`, TIMES being a number or "always"."""
        found = _GRAMMAR.fullmatch(text)
        if found is None:
            raise ValueError("needs OPERATION:KIND[=VALUE][:TIMES[:AFTER]]")
        operation, kind, value, times, after = found.group(*_GRAMMAR.groupindex)
        return cls(
            operation=operation,
            kind=kind,
            value=None if value is None else _number(value),
            times=None if times == "always" else int(times or 1),
            after=int(after or 0),
        )

    def answer_instead(self) -> HttpResponse | None:
        """What is answered in place of the operation, for kinds that keep it from being applied."""
        if self.kind in MODELLED_ERRORS:
            return write_error(MODELLED_ERRORS[self.kind]("A fault that was asked for."))
        match self.kind:
            case FaultKind.HTTP_500 | FaultKind.HTTP_503:
                page = b"<html><body>A fault that was asked for.</body></html>"
                return HttpResponse(int(self.kind), {"content-type": "text/html"}, page)
            case FaultKind.RESET:
                return HttpResponse(500, {}, b"")  # of which nothing is sent
            case _:
                return None

    @property
    def delay(self) -> float:
        """Seconds that the answer waits."""
        return (self.value or 0) if self.kind == FaultKind.DELAY else 0

    def skewed(self, now: datetime) -> datetime:
        """What the emulator takes for the time."""
        ahead = self.value if self.kind == FaultKind.DATE else None
        return now + timedelta(seconds=ahead or 0)

    def spoiled(self, answer: HttpResponse, now: datetime) -> HttpResponse:
        """The answer with what this kind changes in it."""
        is_document = answer.headers.get("content-encoding") == "gzip"
        match self.kind:
            case FaultKind.DATE:
                date = format_datetime(self.skewed(now), usegmt=True)
                return evolve(answer, headers={**answer.headers, "date": date})
            case FaultKind.BAD_GZIP if is_document:
                return evolve(answer, body=_with_other_byte(answer.body, len(answer.body) // 2))
            case FaultKind.BAD_CRC if is_document:
                # The last eight bytes are the checksum and the length (RFC 1952).
                return evolve(answer, body=_with_other_byte(answer.body, len(answer.body) - 8))
            case _:
                return answer


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("value: must be a number") from None


def _with_other_byte(body: bytes, place: int) -> bytes:
    return body[:place] + bytes([body[place] ^ 0xFF]) + body[place + 1 :]


class Faults:
    """Those that are still to come, in the order in which they were added. From any thread."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._faults = list(faults)
        self._lock = threading.Lock()

    def add(self, *faults: Fault) -> None:
        with self._lock:
            self._faults.extend(faults)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def pending(self) -> list[Fault]:
        """With the counts that are left."""
        with self._lock:
            return list(self._faults)

    def meet(self, operation_name: str) -> Fault | None:
        """The fault that a request of the operation meets: the first that is due."""
        met: Fault | None = None
        left: list[Fault] = []
        with self._lock:
            for fault in self._faults:
                if fault.operation not in (operation_name, EVERY_OPERATION):
                    left.append(fault)
                elif fault.after:
                    left.append(evolve(fault, after=fault.after - 1))
                elif met is not None or fault.times is None:
                    met = met or fault
                    left.append(fault)
                else:
                    met = fault
                    if fault.times > 1:
                        left.append(evolve(fault, times=fault.times - 1))
            self._faults = left
        return met
