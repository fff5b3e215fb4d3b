"""Two clients edit one image set of the emulator while answers get lost on the way.

Whatever happens: versions only grow, nothing is applied twice, what was reported as a success
was applied, and what was reported as refused was not.
"""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from account import open_account
from dicom_files import write_instance
from fake_time import FakeTime
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from losing_proxy import LosingProxy

from healthimaging_sdk import (
    Config,
    DICOMUpdates,
    HealthImagingClient,
    HealthImagingError,
    MetadataUpdates,
    Outcome,
    StaleVersionError,
)
from healthimaging_sdk.emulator import Durations, Emulator

WRITERS = st.integers(0, 1)
LOSSES = st.lists(st.booleans(), max_size=6)


async def at_once(_: float) -> None:
    await asyncio.sleep(0)


class TwoClients(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.known = ["1", "1"]
        self.sent = 0
        self.applied: set[str] = set()
        self.refused: set[str] = set()
        self.versions = 1

    @initialize()
    def start(self) -> None:
        self.runner.run(self._start())

    async def _start(self) -> None:
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        buckets = {name: folder / name for name in ("input", "output")}
        for each in buckets.values():
            each.mkdir()
        emulator = self.stack.enter_context(
            Emulator(buckets=buckets, durations=Durations.all(0), sleep=at_once)
        )
        account = open_account(emulator)
        write_instance(account.inbox, 1)
        account.import_all()
        self.datastore_id = account.datastore_id
        (self.image_set_id,) = account.image_set_ids()
        self.proxy = await self.stack.enter_async_context(LosingProxy(emulator.endpoint_url))
        time = FakeTime()
        self.clients = [
            await self.stack.enter_async_context(
                HealthImagingClient(
                    region=emulator.region,
                    endpoint_url=self.proxy.url,
                    credentials=emulator.credentials,
                    config=Config(sleep=time.sleep, clock=time.clock),
                )
            )
            for _ in self.known
        ]

    @rule(writer=WRITERS)
    def look(self, writer: int) -> None:
        self.proxy.lose([])
        looked = self.clients[writer].get_image_set(self.datastore_id, self.image_set_id)
        self.known[writer] = self.runner.run(looked).version_id

    @rule(writer=WRITERS, losses=LOSSES)
    def write(self, writer: int, losses: list[bool]) -> None:
        self.sent += 1
        name = f"Edit^{self.sent}"
        self.proxy.lose(losses)
        self.runner.run(self._write(writer, name))

    async def _write(self, writer: int, name: str) -> None:
        document = {"SchemaVersion": 1.1, "Patient": {"DICOM": {"PatientName": name}}}
        client, given = self.clients[writer], self.known[writer]
        try:
            updated = await client.update_image_set_metadata(
                self.datastore_id,
                self.image_set_id,
                latest_version_id=given,
                update_image_set_metadata_updates=MetadataUpdates(
                    dicom_updates=DICOMUpdates(updatable_attributes=document)
                ),
            )
        except HealthImagingError as error:
            # Otherwise either is true, and the caller was told so.
            if error.outcome is Outcome.REJECTED and not error.prior_outcome_unknown:
                self.refused.add(name)
            if isinstance(error, StaleVersionError):
                assert (error.expected, error.actual) != (given, given)
        else:
            self.applied.add(name)
            self.known[writer] = updated.latest_version_id

    @invariant()
    def the_history_agrees_with_what_was_reported(self) -> None:
        if hasattr(self, "clients"):
            self.proxy.lose([])
            names = self.runner.run(self._names())
            assert len(names) >= self.versions
            self.versions = len(names)
            assert len(names) == len(set(names))
            assert self.applied <= set(names)
            assert self.refused.isdisjoint(names)

    async def _names(self) -> list[str]:
        """The patient's name in each version, oldest first."""
        client = self.clients[0]
        await client.wait_until_image_set_updated(
            self.datastore_id, self.image_set_id, timeout=10_000
        )
        versions = [
            each.version_id
            async for each in client.iter_image_set_versions(self.datastore_id, self.image_set_id)
        ]
        assert versions == [str(number) for number in range(len(versions), 0, -1)]
        names: list[str] = []
        for version in reversed(versions):
            metadata = await client.get_image_set_metadata(
                self.datastore_id, self.image_set_id, version_id=version
            )
            names.append(str(metadata.document()["Patient"]["DICOM"]["PatientName"]))
        return names

    def teardown(self) -> None:
        self.runner.run(self.stack.aclose())
        self.runner.close()


TestTwoClients = TwoClients.TestCase
TestTwoClients.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
