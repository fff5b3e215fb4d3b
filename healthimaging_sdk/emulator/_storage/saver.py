"""From the state's event loop to the folder's thread: what changed is saved, oldest first."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self, TypeVar

from attrs import define, field

from healthimaging_sdk.emulator._image_set import ImageSet
from healthimaging_sdk.emulator._state import Record
from healthimaging_sdk.emulator._storage.folder import Key
from healthimaging_sdk.emulator._storage.records import key_of, snapshot
from healthimaging_sdk.emulator._storage.shelf import Shelf

Result = TypeVar("Result")

_log = logging.getLogger(__name__)


@define(eq=False)
class FolderSaver:
    """Changes that come while others are being written are written together, in one transaction."""

    _shelf: Shelf
    _thread: ThreadPoolExecutor
    _unsaved: dict[Key, Record] = field(factory=dict[Key, Record], init=False)
    _accessed: dict[Key, Record] = field(factory=dict[Key, Record], init=False)
    _tellings: list[Callable[[], None]] = field(factory=list[Callable[[], None]], init=False)
    _round: "asyncio.Task[None] | None" = field(default=None, init=False)

    @classmethod
    async def open(cls, path: Path) -> "tuple[Self, list[Record]]":
        """And all that it holds. Raises `DataFolderError`."""
        # One thread: SQLite's connection is its own, and nothing overtakes anything.
        thread = ThreadPoolExecutor(1, thread_name_prefix="healthimaging-emulator-data")
        try:
            shelf, records = await _in(thread, lambda: Shelf.open(path))
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(shelf, thread), records

    def changed(self, records: Iterable[Record]) -> None:
        self._unsaved.update((key_of(record), record) for record in records)
        self._begin_round()

    def accessed(self, image_set: ImageSet) -> None:
        self._accessed[key_of(image_set)] = image_set

    def when_saved(self, tell: Callable[[], None]) -> None:
        """Said with a change: `tell` is called in its turn, once the change is saved."""
        self._tellings.append(tell)

    async def saved(self) -> None:
        """Raises what SQLite or the file system raise; the changes are then tried again."""
        # The round under way began before the last change, perhaps; the one after it did not.
        for _ in range(2):
            self._begin_round()
            if self._round is not None:
                await asyncio.shield(self._round)

    async def close(self) -> None:
        self._unsaved = {**self._accessed, **self._unsaved}
        try:
            await self.saved()
        finally:
            await _in(self._thread, self._shelf.close)
            self._thread.shutdown()

    def _begin_round(self) -> None:
        if self._round is None and self._unsaved:
            self._round = asyncio.create_task(self._write())
            self._round.add_done_callback(_log_failure)

    async def _write(self) -> None:
        taken = {**self._accessed, **self._unsaved}
        self._unsaved, self._accessed = {}, {}
        tellings, self._tellings = self._tellings, []
        # All at one moment: nothing of an action that has begun is left out.
        records = [snapshot(record) for record in taken.values()]
        is_saved = False
        try:
            await _in(self._thread, lambda: self._shelf.write(records))
            is_saved = True
        finally:
            self._round = None
            if not is_saved:
                self._unsaved = {**taken, **self._unsaved}
                self._tellings = tellings + self._tellings
        for tell in tellings:
            tell()
        self._begin_round()


async def _in(thread: ThreadPoolExecutor, function: Callable[[], Result]) -> Result:
    return await asyncio.get_running_loop().run_in_executor(thread, function)


def _log_failure(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("the data folder cannot be written: %s", type(error).__name__)
