"""Copy many image sets, a thousand say, and go on where it stopped, even after a kill.

    python examples/copy_many.py DATASTORE_ID LEDGER [--ids FILE]

It copies the image sets that FILE lists, an id a line, or all that the data store has at the
first run. The service takes one copy in four seconds; the client keeps to that by itself.

The ledger is a file of JSON lines: the plan, then one line before a copy is sent, one when it is
accepted, one when it has ended. Run the same command again, and it goes on from there. A failed
copy is tried again. A copy is never sent twice unless it is known that the first did nothing.
Copies are sent one at a time, so a kill leaves at most one in doubt. What is in doubt is left to
you: look for an image set of the same series made at that time (EventBridge's "Image Set
Copying" names the source). Then add `{"source": "ID", "step": "copied"}` to the ledger, or
`"failed"` to have it sent again.

Exit code: 0 all copied, 1 some failed or not yet done (run again), 3 some in doubt.

Region, endpoint and credentials come from the environment; `docs/iam/copier.json` is the policy
that it needs. Against the emulator:

    python -m healthimaging_sdk.emulator --port 4600 --bucket input=DIR
    export AWS_ENDPOINT_URL_MEDICAL_IMAGING=http://127.0.0.1:4600 AWS_REGION=us-east-1
    export AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=...  # as the emulator prints them
"""

import argparse
import asyncio
import fcntl
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

from rich.console import Console
from rich.progress import Progress

from healthimaging_sdk import (
    CopyImageSetInformation,
    CopySourceImageSetInformation,
    HealthImagingClient,
    HealthImagingError,
    Outcome,
    WaiterFailed,
)

AT_ONCE = 50
"""Copies under way: the service runs at most 100 in a data store."""


class Step(StrEnum):
    PLANNED = "planned"
    SENDING = "sending"
    ACCEPTED = "accepted"
    COPIED = "copied"
    FAILED = "failed"
    UNKNOWN = "unknown"


Line = dict[str, Any]


class Ledger:
    """What is known of each source, in memory and in a file. A line that was begun counts not."""

    def __init__(self, file: BinaryIO) -> None:
        text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        file.truncate(len(whole))
        lines: list[Line] = [json.loads(line) for line in whole.splitlines()]
        self._file = file
        self.plan: Line = lines[0] if lines else {}
        self.last = {line["source"]: line for line in lines[1:]}
        for source, line in self.last.items():
            if line["step"] == Step.SENDING:  # when the last run ended
                self.last[source] = {**line, "step": Step.UNKNOWN}

    def begin(self, datastore_id: str, sources: list[str]) -> None:
        self.plan |= {"datastore_id": datastore_id, "sources": list(dict.fromkeys(sources))}
        self._add(self.plan)

    def write(self, source: str, step: Step, **facts: object) -> None:
        line = {"source": source, "step": step, "at": f"{datetime.now(UTC):%FT%TZ}", **facts}
        self._add(line)
        self.last[source] = line

    def step(self, source: str) -> Step:
        return Step(self.last.get(source, {"step": Step.PLANNED})["step"])

    def _add(self, line: Line) -> None:
        """On the disk when it returns, which is worth the milliseconds that the loop waits."""
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


@contextmanager
def opened_ledger(path: str) -> Generator[Ledger]:
    with Path(path).open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("another run is using this ledger")
        file.seek(0)
        yield Ledger(file)


async def send(client: HealthImagingClient, ledger: Ledger, datastore_id: str, source: str) -> None:
    try:
        version = (await client.get_image_set(datastore_id, source)).version_id
    except HealthImagingError as error:
        ledger.write(source, Step.FAILED, reason=str(error))
        return
    ledger.write(source, Step.SENDING)
    try:
        answer = await client.copy_image_set(
            datastore_id,
            source,
            copy_image_set_information=CopyImageSetInformation(
                source_image_set=CopySourceImageSetInformation(latest_version_id=version)
            ),
        )
    except HealthImagingError as error:
        step = Step.UNKNOWN if error.outcome is Outcome.UNKNOWN else Step.FAILED
        ledger.write(source, step, reason=str(error))
        return
    made = answer.destination_image_set_properties
    ledger.write(source, Step.ACCEPTED, copy=made.image_set_id, version=made.latest_version_id)


async def wait(client: HealthImagingClient, ledger: Ledger, datastore_id: str, source: str) -> None:
    line = ledger.last[source]
    facts = {"copy": line["copy"], "version": line["version"]}
    try:
        await client.wait_until_image_set_copied(
            datastore_id, line["copy"], version_id=line["version"], timeout=3600
        )
    except WaiterFailed as error:
        ledger.write(source, Step.FAILED, reason=str(error), **facts)
    except HealthImagingError:
        pass  # it remains accepted: the next run waits for it again
    else:
        ledger.write(source, Step.COPIED, **facts)


async def to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Ctrl-C comes through when the work has ended; a second one, at once."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


async def copy_all(client: HealthImagingClient, ledger: Ledger, tell: Callable[[], object]) -> None:
    """Bring every source to an end, calling `tell` for each."""
    datastore_id, sources = ledger.plan["datastore_id"], ledger.plan["sources"]
    room = asyncio.Semaphore(AT_ONCE)

    async def follow(source: str) -> None:
        try:
            if ledger.step(source) is Step.ACCEPTED:
                await wait(client, ledger, datastore_id, source)
        finally:
            room.release()
        tell()

    async with asyncio.TaskGroup() as group:
        for source in sources:
            await room.acquire()
            if ledger.step(source) in (Step.PLANNED, Step.FAILED):
                await to_its_end(send(client, ledger, datastore_id, source))
            group.create_task(follow(source))


def report(ledger: Ledger) -> int:
    """Print how each source stands; the exit code."""
    counts = Counter(map(ledger.step, ledger.plan["sources"]))
    for source in ledger.plan["sources"]:
        if ledger.step(source) is not Step.COPIED:
            line = ledger.last[source]
            print(source, ledger.step(source), line.get("at", ""), line.get("reason", ""))
    print(", ".join(f"{count} {step}" for step, count in counts.items()) or "nothing to copy")
    return 3 if counts[Step.UNKNOWN] else int(counts.total() > counts[Step.COPIED])


async def main(datastore_id: str, ledger: Ledger, ids: list[str] | None) -> int:
    async with HealthImagingClient() as client:
        if not ledger.plan:
            found = client.iter_image_sets(datastore_id)
            everything = [each.image_set_id async for each in found] if ids is None else ids
            ledger.begin(datastore_id, everything)
        if ledger.plan["datastore_id"] != datastore_id:
            sys.exit("the ledger is of another data store")
        with Progress(console=Console(stderr=True)) as progress:
            bar = progress.add_task("copying", total=len(ledger.plan["sources"]))
            await copy_all(client, ledger, lambda: progress.advance(bar))
    return report(ledger)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("datastore_id")
    parser.add_argument("ledger")
    parser.add_argument("--ids", type=lambda name: Path(name).read_text().split())
    options = parser.parse_args()
    with opened_ledger(options.ledger) as opened:
        try:
            sys.exit(asyncio.run(main(options.datastore_id, opened, options.ids)))
        except KeyboardInterrupt:
            sys.exit("stopped: run the same command again to go on")
