"""What the emulator was asked lately: `Journal`, of `JournalEntry`, newest last.

Ids, numbers and times; no bodies, no query values, nothing of a patient.
"""

import re
from collections import deque
from collections.abc import Mapping
from datetime import datetime

from attrs import define, field, frozen

LENGTH = 1_000

_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_ATTEMPT = re.compile(r"(?:^|;) *attempt=(\d{1,3})\b", re.ASCII)


@frozen(kw_only=True)
class JournalEntry:
    request_id: str
    at: datetime
    """When the request came."""

    operation: str | None
    """Its name, such as "CopyImageSet"; `None` for a request that is none of the service's."""

    status: int | None
    """The status of the answer; `None` if the connection ended without one."""

    error: str | None
    """The code of the error in the answer."""

    seconds: float
    """Until the answer was sent or given up."""

    attempt: int | None
    """The client's count of its attempts at this call, if it tells (`amz-sdk-request`)."""

    ids: Mapping[str, str]
    """Of the data store, image set or job in the path, such as `{"datastore_id": ...}`."""

    fault: str | None
    """The kind of the fault that was made on purpose."""


@define(eq=False)
class Journal:
    """The latest requests. It may be read from any thread."""

    _entries: "deque[JournalEntry]" = field(factory=lambda: deque[JournalEntry](maxlen=LENGTH))

    def add(self, entry: JournalEntry) -> None:
        self._entries.append(entry)

    def entries(self) -> list[JournalEntry]:
        """Oldest first. A copy, which stays as it is."""
        return list(self._entries.copy())

    def clear(self) -> None:
        self._entries.clear()


def ids_in(labels: Mapping[str, str]) -> dict[str, str]:
    """What is an id for sure: anything may stand in a path."""
    return {name: text for name, text in labels.items() if _ID.fullmatch(text)}


def attempt_in(header: str) -> int | None:
    """The attempt that an `amz-sdk-request` header tells."""
    found = _ATTEMPT.search(header)
    return int(found[1]) if found else None
