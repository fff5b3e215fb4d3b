"""Records in a folder. Documents and frames are blobs, written once however often named."""

from pathlib import Path
from typing import Self
from weakref import WeakKeyDictionary

from attrs import define, field

from healthimaging_sdk.emulator._content import Content
from healthimaging_sdk.emulator._image_set import FrameFile, ImageSet
from healthimaging_sdk.emulator._state import Record
from healthimaging_sdk.emulator._storage.folder import Folder, explained
from healthimaging_sdk.emulator._storage.records import (
    KINDS,
    body_of,
    document_of,
    key_of,
    read_document,
    read_record,
)


@define(eq=False)
class Shelf:
    _folder: Folder
    _digests: WeakKeyDictionary[Content, str] = field(
        factory=WeakKeyDictionary[Content, str], init=False
    )
    """Of the documents that were written or read."""
    _frames: set[str] = field(factory=set[str], init=False)
    """The ids of those that are in the folder."""

    @classmethod
    def open(cls, path: Path) -> tuple[Self, list[Record]]:
        folder = Folder.open(path)
        shelf = cls(folder)
        try:
            with explained(path):
                return shelf, shelf._read()
        except BaseException:
            folder.close()
            raise

    def close(self) -> None:
        self._folder.close()

    def write(self, records: list[Record]) -> None:
        frames: dict[str, tuple[str, str]] = {}
        for record in records:
            if isinstance(record, ImageSet):
                frames |= {
                    id_: (self._folder.put_blob(frame.data), frame.content_type)
                    for id_, frame in record.frames.items()
                    if id_ not in self._frames
                }
        bodies = {key_of(record): body_of(record, self._digest_of) for record in records}
        self._folder.save(bodies, frames)
        self._frames |= frames.keys()

    def _digest_of(self, content: Content) -> str:
        if content not in self._digests:
            self._digests[content] = self._folder.put_blob(document_of(content))
        return self._digests[content]

    def _read(self) -> list[Record]:
        contents: dict[str, Content] = {}

        def content_of(digest: str) -> Content:
            if digest not in contents:
                contents[digest] = content = read_document(self._folder.read_blob(digest))
                self._digests[content] = digest
            return contents[digest]

        records = [
            read_record(kind, body, content_of)
            for kind in KINDS
            for body in self._folder.records(kind)
        ]
        kept = self._folder.frames()
        used: dict[str, tuple[str, str]] = {}
        for record in records:
            if isinstance(record, ImageSet):
                contents_of = (each.content for each in record.versions)
                ids = {id_ for each in contents_of if each for id_ in each.frame_ids()}
                used |= {id_: kept[id_] for id_ in ids}
                record.frames = {id_: self._frame(*kept[id_]) for id_ in ids}
        self._folder.drop_all_but(used, set(contents))
        self._frames = set(used)
        return records

    def _frame(self, digest: str, content_type: str) -> FrameFile:
        return FrameFile(self._folder.blob_path(digest), content_type)
