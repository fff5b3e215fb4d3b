"""`GET /`: what the emulator holds and was asked, for people; no scripts, nothing from elsewhere.

The door lets only this machine in, and it needs no signature.
"""

import asyncio
import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from pathlib import Path

from attrs import frozen

from healthimaging_sdk._protocol import HttpResponse
from healthimaging_sdk.emulator._control import LocalRequest
from healthimaging_sdk.emulator._dicom.thumbnails import SHOWN_TYPES, thumbnail
from healthimaging_sdk.emulator._image_set import ImageSet, Version
from healthimaging_sdk.emulator._journal import Journal, JournalEntry
from healthimaging_sdk.emulator._markup import Content, Markup, element, joined, void
from healthimaging_sdk.emulator._state import Datastore, State
from healthimaging_sdk.emulator.import_jobs import is_archived
from healthimaging_sdk.errors import ResourceNotFoundException
from healthimaging_sdk.import_jobs import DICOMImportJobProperties
from healthimaging_sdk.metadata import ImageFrame, Instance

MOST_IMAGE_SETS = 50
MOST_JOBS = 20
MOST_REQUESTS = 50

_THUMBNAIL = "/_emulator/thumbnail/"
_THUMBNAIL_PATH = re.compile(_THUMBNAIL + r"([0-9a-f]{32})/([0-9a-f]{32})/([0-9a-f]{32})\.png")

_MOODS = {
    "ACTIVE": "good",
    "COMPLETED": "good",
    "CREATE_FAILED": "bad",
    "FAILED": "bad",
    "LOCKED": "busy",
    "CREATING": "busy",
    "DELETING": "busy",
    "SUBMITTED": "busy",
    "IN_PROGRESS": "busy",
}


@frozen
class Page:
    state: State
    journal: Journal

    async def __call__(self, request: LocalRequest) -> HttpResponse | None:
        """The answer, or `None` if the path is another's."""
        if request.method != "GET":
            return None
        if request.path == "/":
            return HttpResponse(200, _headers("text/html; charset=utf-8"), self._html().encode())
        if match := _THUMBNAIL_PATH.fullmatch(request.path):
            return await self._thumbnail(*match.groups())
        return None

    async def _thumbnail(
        self, datastore_id: str, image_set_id: str, frame_id: str
    ) -> HttpResponse | None:
        image_set = self.state.image_set(datastore_id, image_set_id)
        stored = image_set.frames.get(frame_id)
        found = next((each for each in _frames(image_set) if each[1]["ID"] == frame_id), None)
        if stored is None or found is None:
            raise ResourceNotFoundException("The image set has no such image frame.")
        instance, frame = found
        image = await asyncio.to_thread(
            lambda: thumbnail(
                stored.data,
                stored.content_type,
                frame,
                instance["DICOM"].get("PhotometricInterpretation"),
            )
        )
        if image is None:
            raise ResourceNotFoundException("The image frame cannot be shown.")
        return HttpResponse(200, _headers("image/png"), image)

    def _html(self) -> str:
        datastores = list(self.state.datastores.values())
        body = element(
            "body",
            element("h1", "AWS HealthImaging emulator"),
            element("p", f"{self.state.region} · account {self.state.account_id}", class_="faint"),
            *(self._datastore(each) for each in reversed(datastores)),
            *([] if datastores else [element("section", "There is no data store yet.")]),
            _requests(self.journal.entries()),
        )
        head = element(
            "head",
            void("meta", charset="utf-8"),
            void("meta", name="viewport", content="width=device-width, initial-scale=1"),
            # Or the browser asks for one.
            void("link", rel="icon", href="data:,"),
            element("title", "AWS HealthImaging emulator"),
            element("style", Markup(_style())),
        )
        return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"

    def _datastore(self, datastore: Datastore) -> Markup:
        living = sorted(
            datastore.living_image_sets(), key=lambda each: each.updated_at, reverse=True
        )
        listed = (each for each in datastore.jobs.values() if not is_archived(self.state, each))
        jobs = sorted(listed, key=_submitted, reverse=True)
        return element(
            "section",
            element("h2", datastore.name, " ", _status(datastore.status)),
            element(
                "p",
                _id(datastore.id),
                f" · {datastore.lossless_storage_format} · {_moment(datastore.created_at)}",
                class_="faint",
            ),
            element("h3", _count(living, MOST_IMAGE_SETS, "image set")),
            _image_sets(datastore, living[:MOST_IMAGE_SETS]),
            element("h3", _count(jobs, MOST_JOBS, "import job")),
            _jobs(jobs[:MOST_JOBS]),
        )


def _headers(content_type: str) -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return {
        "content-type": content_type,
        "content-security-policy": (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'self' data:; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        # Pages of other origins may not even show the thumbnails.
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
    }


@cache
def _style() -> str:
    return Path(__file__).with_name("page.css").read_text(encoding="utf-8")


# ── Image sets ────────────────────────────────────────────────────────────────


def _image_sets(datastore: Datastore, image_sets: list[ImageSet]) -> Markup:
    rows = (
        (
            _picture(datastore, each),
            _id(each.id),
            joined(_status(each.latest.state), element("div", each.latest.workflow_status)),
            _versions(each),
            *_of_the_patient(each),
            "primary" if each.is_primary else "not primary",
            _moment(each.updated_at),
        )
        for each in image_sets
    )
    names = ("", "image set", "state", "version", "patient", "study", "series", "", "updated")
    return _table(names, rows)


def _picture(datastore: Datastore, image_set: ImageSet) -> Markup | None:
    for _, frame in _frames(image_set):
        stored = image_set.frames[frame["ID"]]
        if stored.content_type in SHOWN_TYPES:
            source = f"{_THUMBNAIL}{datastore.id}/{image_set.id}/{frame['ID']}.png"
            return void("img", src=source, alt="", loading="lazy")
    return None


def _frames(image_set: ImageSet) -> Iterator[tuple[Instance, ImageFrame]]:
    content = image_set.latest.content
    for instance in content.instances.values() if content else ():
        for frame in instance.get("ImageFrames", ()):
            yield instance, frame


def _of_the_patient(image_set: ImageSet) -> tuple[Content, Content, Content]:
    content = image_set.latest.content
    if content is None:
        return None, None, None
    tags = content.tags
    instances = len(content.instances)
    return (
        _lines(tags.dicom_patient_name, tags.dicom_patient_id),
        _lines(tags.dicom_study_description, tags.dicom_study_date),
        _lines(tags.dicom_series_modality, f"{instances} instance{'s' if instances != 1 else ''}"),
    )


def _versions(image_set: ImageSet) -> Markup:
    """The latest; the others can be unfolded."""
    latest = image_set.latest
    if len(image_set.versions) == 1 and latest.message is None:
        return joined(latest.number)
    items = (element("li", _version(each)) for each in reversed(image_set.versions))
    unfolded = element("ol", *items, reversed="reversed")
    return element("details", element("summary", latest.number), unfolded)


def _version(version: Version) -> str:
    return _words(version.workflow_status, version.message)


# ── Import jobs and requests ──────────────────────────────────────────────────


def _jobs(jobs: list[DICOMImportJobProperties]) -> Markup:
    rows = (
        (
            _id(each.job_id),
            each.job_name if each.job_name != each.job_id else None,
            _status(each.job_status),
            each.input_s3_uri,
            each.output_s3_uri,
            _moment(each.submitted_at),
            each.message,
        )
        for each in jobs
    )
    return _table(("job", "name", "status", "input", "output", "submitted", "message"), rows)


def _submitted(job: DICOMImportJobProperties) -> float:
    return job.submitted_at.timestamp() if job.submitted_at else 0


def _requests(entries: list[JournalEntry]) -> Markup:
    rows = (
        (
            _moment(each.at),
            each.operation or "unknown",
            _answer(each),
            _words(each.error, each.fault and f"fault: {each.fault}"),
            f"{each.seconds * 1000:.1f} ms",
            each.attempt,
            joined(*(element("div", _id(text)) for text in each.ids.values())),
        )
        for each in list(reversed(entries))[:MOST_REQUESTS]
    )
    names = ("time", "operation", "answer", "error", "took", "attempt", "ids")
    return element("section", element("h2", "Recent requests"), _table(names, rows))


def _answer(entry: JournalEntry) -> Markup:
    if entry.status is None:
        return element("span", "none", class_="state bad")
    mood = "good" if entry.status < 400 else "bad"
    return element("span", entry.status, class_=f"state {mood}")


# ── Pieces ────────────────────────────────────────────────────────────────────


def _table(names: Iterable[str], rows: Iterable[Iterable[Content]]) -> Markup:
    body = [element("tr", *(element("td", cell) for cell in row)) for row in rows]
    if not body:
        return joined()
    head = element("tr", *(element("th", name) for name in names))
    return element("table", element("thead", head), element("tbody", *body))


def _count(items: list[ImageSet] | list[DICOMImportJobProperties], most: int, what: str) -> str:
    number = f"{len(items)} {what}{'' if len(items) == 1 else 's'}"
    return f"{number}, of which the latest {most}" if len(items) > most else number


def _status(status: str) -> Markup:
    return element("span", status, class_=f"state {_MOODS.get(status, '')}".strip())


def _id(text: str) -> Markup:
    return element("span", text, class_="id")


def _lines(first: str | None, second: str | None) -> Markup:
    return joined(element("div", first), element("div", second, class_="faint"))


def _words(*words: str | None) -> str:
    return " · ".join(word for word in words if word)


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""
