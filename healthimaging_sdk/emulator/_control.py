"""The path by which any language, and a running test, has the emulator under its control.

    GET  POST  DELETE   /_emulator/faults      what is to go wrong
    GET  POST           /_emulator/throttle    "off", "published", or a factor of it
    GET  POST           /_emulator/durations   how long background work takes
    GET        DELETE   /_emulator/journal     the latest requests

It is unsigned. The door lets only this machine in; `HEADER` keeps a browser's pages out, which
may not send it to another origin.
"""

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any, cast

import attrs
from attrs import define, field, frozen

from healthimaging_sdk._json import NotJSON, loads
from healthimaging_sdk._protocol import JSON, HttpResponse
from healthimaging_sdk.emulator._faults import Fault, Faults
from healthimaging_sdk.emulator._journal import Journal, JournalEntry
from healthimaging_sdk.emulator._limits import Durations
from healthimaging_sdk.emulator._state import State
from healthimaging_sdk.emulator._throttling import Throttling, checked
from healthimaging_sdk.errors import AccessDeniedException, ServiceError, ValidationException

PREFIX = "/_emulator/"
HEADER = "x-healthimaging-emulator"

_THROTTLE = ("throttle",)
_FAULT = tuple(attrs.fields_dict(Fault))
_DURATIONS = tuple(attrs.fields_dict(Durations))


@frozen(kw_only=True)
class LocalRequest:
    """A request of this machine, which needs no signature."""

    method: str
    path: str
    """Percent-encoded as it came, without the query."""

    headers: Mapping[str, str]
    """Names in lower case."""

    body: bytes = field(repr=False)


@frozen
class _Setting:
    tell: Callable[[], object]
    change: Callable[[object], None] | None = None
    clear: Callable[[], None] | None = None


@define(eq=False)
class Control:
    state: State
    faults: Faults
    throttling: Throttling
    journal: Journal
    _settings: Mapping[str, _Setting] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._settings = {
            "faults": _Setting(self._faults, self._add_faults, self.faults.clear),
            "throttle": _Setting(self._throttle, self._set_throttle),
            "durations": _Setting(self._durations, self._set_durations),
            "journal": _Setting(self._journal, clear=self.journal.clear),
        }

    async def __call__(self, request: LocalRequest) -> HttpResponse | None:
        """The answer, or `None` if the path is another's."""
        setting = self._settings.get(request.path.removeprefix(PREFIX))
        if setting is None:
            return None
        if request.method != "GET" and HEADER not in request.headers:
            raise AccessDeniedException(f"A change needs the header {HEADER}.")
        try:
            _apply(setting, request)
        except ValueError as error:
            raise ValidationException(str(error)) from None
        headers = {"content-type": JSON, "x-content-type-options": "nosniff"}
        return HttpResponse(200, headers, json.dumps(setting.tell()).encode())

    def _faults(self) -> object:
        return {"faults": [attrs.asdict(fault) for fault in self.faults.pending()]}

    def _add_faults(self, content: object) -> None:
        """A fault, or a list of faults, of which none is added if one is wrong."""
        asked = cast("list[object]", content) if isinstance(content, list) else [content]
        self.faults.add(
            *[Fault(**_members(each, _FAULT, needed=("operation", "kind"))) for each in asked]
        )

    def _throttle(self) -> object:
        return {"throttle": self.throttling.throttle}

    def _set_throttle(self, content: object) -> None:
        self.throttling.throttle = checked(
            _members(content, _THROTTLE, needed=_THROTTLE)["throttle"]
        )

    def _durations(self) -> object:
        return attrs.asdict(self.state.durations)

    def _set_durations(self, content: object) -> None:
        """What is not mentioned stays as it is."""
        changes = _members(content, _DURATIONS)
        self.state.durations = attrs.evolve(self.state.durations, **changes)

    def _journal(self) -> object:
        return {"journal": [_told(entry) for entry in self.journal.entries()]}


def _apply(setting: _Setting, request: LocalRequest) -> None:
    if request.method == "POST" and setting.change:
        setting.change(_content(request.body))
    elif request.method == "DELETE" and setting.clear:
        setting.clear()
    elif request.method != "GET":
        raise ServiceError(
            "The method is not allowed here.", code="MethodNotAllowed", status_code=405
        )


def _content(body: bytes) -> object:
    try:
        return loads(body)
    except NotJSON:
        raise ValueError("the body is not JSON") from None


def _members(
    content: object, known: Collection[str], needed: Collection[str] = ()
) -> dict[str, Any]:
    """The members of a JSON object; what they may be, the class knows that they are for."""
    if not isinstance(content, dict):
        raise ValueError("needs a JSON object")  # noqa: TRY004 - said by a client, not by a caller
    given = cast("dict[str, Any]", content)  # JSON has no other keys
    if not set(needed) <= given.keys() <= set(known):
        raise ValueError(f"the members are {', '.join(known)}")
    return given


def _told(entry: JournalEntry) -> dict[str, object]:
    return {**attrs.asdict(entry), "at": entry.at.isoformat(timespec="milliseconds")}
