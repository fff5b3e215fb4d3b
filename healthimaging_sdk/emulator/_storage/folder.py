"""A folder with a SQLite database of rows, and a file for each blob, named by its SHA-256.

A row never names a blob that is not safely there, and all rows of a moment are committed together.
"""

import hashlib
import os
import sqlite3
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from attrs import define, field

SCHEMA_VERSION = 1
DATABASE = "emulator.sqlite3"
BLOBS = "blobs"

_APPLICATION = 0x48494D47
"""Tells a database of the emulator from those of other programs."""
_UNFINISHED = ".unfinished"
_SCHEMA = """
CREATE TABLE record (
    kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id)
);
CREATE TABLE frame (id TEXT PRIMARY KEY, digest TEXT NOT NULL, content_type TEXT NOT NULL);
"""

Key = tuple[str, str]
"""The kind of a record, and its id among its kind."""


class DataFolderError(Exception):
    """A data folder that cannot be used, and why."""


@define(eq=False)
class Folder:
    """Opened by `Folder.open`, and used by one thread."""

    path: Path
    _database: sqlite3.Connection
    _blobs: set[str]
    _has_new_blobs: bool = field(default=False, init=False)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Raises `DataFolderError` if it is another's, of another version, in use or damaged."""
        with explained(path):
            _make(path)
            database = sqlite3.connect(path / DATABASE, timeout=0, isolation_level=None)
            try:
                _prepare(path, database)
                blobs = _own_blobs(path / BLOBS)
            except BaseException:
                database.close()
                raise
        return cls(path, database, blobs)

    def close(self) -> None:
        self._database.close()

    # ── Blobs ─────────────────────────────────────────────────────────────────

    def blob_path(self, digest: str) -> Path:
        """Raises `LookupError` if there is no such blob."""
        if digest not in self._blobs:
            raise LookupError("a blob is missing")
        return self.path / BLOBS / digest

    def read_blob(self, digest: str) -> bytes:
        data = self.blob_path(digest).read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:
            raise LookupError("a blob is not what it was")
        return data

    def put_blob(self, data: bytes) -> str:
        """Its digest, for a row that is saved afterwards."""
        digest = hashlib.sha256(data).hexdigest()
        if digest not in self._blobs:
            final = self.path / BLOBS / digest
            unfinished = final.with_name(f"{digest}{_UNFINISHED}")
            with unfinished.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(final)
            self._blobs.add(digest)
            self._has_new_blobs = True
        return digest

    # ── Rows ──────────────────────────────────────────────────────────────────

    def save(self, records: Mapping[Key, str], frames: Mapping[str, tuple[str, str]]) -> None:
        """All of it or nothing: bodies of records, digests and content types of frames."""
        if self._has_new_blobs:
            _sync_names(self.path / BLOBS)
            self._has_new_blobs = False
        with self._transaction() as database:
            database.executemany(
                "INSERT INTO record VALUES (?, ?, ?)"
                " ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
                ((*key, body) for key, body in records.items()),
            )
            database.executemany(
                "INSERT OR IGNORE INTO frame VALUES (?, ?, ?)",
                ((frame_id, *row) for frame_id, row in frames.items()),
            )

    def records(self, kind: str) -> Iterator[str]:
        """The bodies of a kind, the first that was ever saved first."""
        rows = self._database.execute(
            "SELECT body FROM record WHERE kind = ? ORDER BY rowid", (kind,)
        )
        return (str(body) for (body,) in rows)

    def frames(self) -> dict[str, tuple[str, str]]:
        rows = self._database.execute("SELECT id, digest, content_type FROM frame")
        return {frame_id: (digest, content_type) for frame_id, digest, content_type in rows}

    def drop_all_but(self, frames: Mapping[str, tuple[str, str]], documents: set[str]) -> None:
        """What nothing names any more goes, be it of deletions or of writes that did not end."""
        unused = self.frames().keys() - frames.keys()
        with self._transaction() as database:
            database.executemany("DELETE FROM frame WHERE id = ?", ((each,) for each in unused))
        for digest in self._blobs - documents - {digest for digest, _ in frames.values()}:
            (self.path / BLOBS / digest).unlink()
            self._blobs.discard(digest)

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        self._database.execute("BEGIN IMMEDIATE")
        with self._database:
            yield self._database


@contextmanager
def explained(path: Path) -> Generator[None]:
    """What can be wrong with a folder as a `DataFolderError` that a person understands."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise DataFolderError(f"The data folder {path} cannot be opened ({error}).") from None
        raise DataFolderError(f"The data folder {path} is in use by another emulator.") from None
    except OSError as error:
        raise DataFolderError(
            f"The data folder {path} cannot be opened ({error.strerror})."
        ) from None
    except (sqlite3.DatabaseError, LookupError, ValueError, TypeError):
        # Their messages can quote what is in it.
        raise DataFolderError(f"The data folder {path} is damaged.") from None


def _make(path: Path) -> None:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (path / DATABASE).exists() and any(path.iterdir()):
        raise DataFolderError(f"The folder {path} is not empty, and holds no emulator's data.")


def _prepare(path: Path, database: sqlite3.Connection) -> None:
    # Before anything is read: one emulator at a time, until it closes or its process ends.
    database.execute("PRAGMA locking_mode = EXCLUSIVE")
    database.execute("BEGIN IMMEDIATE")
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    is_new = (application, version) == (0, 0) and not database.execute(
        "SELECT name FROM sqlite_schema"
    ).fetchall()
    if is_new:
        for statement in _SCHEMA.strip().split(";")[:-1]:
            database.execute(statement)
        database.execute(f"PRAGMA application_id = {_APPLICATION}")
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    elif application != _APPLICATION:
        raise DataFolderError(f"The folder {path} holds another program's data.")
    elif version != SCHEMA_VERSION:
        raise DataFolderError(
            f"The data folder {path} has version {version}; this emulator needs {SCHEMA_VERSION}."
        )
    database.execute("COMMIT")
    # Only now that it is known to be ours.
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise ValueError(verdict)


def _own_blobs(path: Path) -> set[str]:
    path.mkdir(mode=0o700, exist_ok=True)
    for unfinished in path.glob(f"*{_UNFINISHED}"):
        unfinished.unlink()
    return {each.name for each in path.iterdir() if len(each.name) == 64}


def _sync_names(path: Path) -> None:
    """Renames are safe once their folder is; Windows has no such call, and needs none."""
    if os.name == "posix":
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
