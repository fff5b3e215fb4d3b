"""The emulator as its user holds it: start, address, credentials, stop."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Self, TypeVar

from aiohttp import web
from pydicom.dataset import Dataset

from healthimaging_sdk import operations
from healthimaging_sdk._credentials import Credentials
from healthimaging_sdk.emulator._app import FAMILIES, LOOPBACK_NAMES, Door, routes
from healthimaging_sdk.emulator._control import Control
from healthimaging_sdk.emulator._events import Listeners, OnEvent
from healthimaging_sdk.emulator._faults import Fault, Faults
from healthimaging_sdk.emulator._journal import Journal
from healthimaging_sdk.emulator._limits import Durations, Quotas
from healthimaging_sdk.emulator._page import Page
from healthimaging_sdk.emulator._seeding import chosen_datastore, place_all, read_groups
from healthimaging_sdk.emulator._server import Server
from healthimaging_sdk.emulator._settling import abandon_everything
from healthimaging_sdk.emulator._state import Datastore, Record, State, wall_clock
from healthimaging_sdk.emulator._storage.folder import DataFolderError, explained
from healthimaging_sdk.emulator._storage.saver import FolderSaver
from healthimaging_sdk.emulator._throttling import Throttle, Throttling

# Published by AWS in every page about signatures: nobody can mistake it for a secret.
PUBLISHED = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")

Result = TypeVar("Result")


class Emulator:
    """AWS HealthImaging on a loopback port, in memory or with a folder for its data.

    `buckets` maps names of S3 buckets to the folders that stand for them. `data` is a folder that
    keeps everything for the next emulator that is given it; starting raises `DataFolderError` if
    it cannot be used. `async with` runs it on the caller's event loop, `with` in a thread of its
    own. `throttle` is "off", "published" or a factor of the published rates; `faults` go wrong on
    purpose. `on_event` gets each event that the service would send to EventBridge, as a dict, at
    once and on the emulator's thread (so it must not call the emulator: `queue.put` suits it);
    `events` is a file to which each is added as a line. `clock` tells the wall-clock time,
    `monotonic` the seconds by which it throttles, and `sleep` waits for background work and slow
    answers, so that tests can take all three into their own hands.
    """

    def __init__(
        self,
        *,
        buckets: Mapping[str, Path | str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        allow_remote: bool = False,
        data: Path | str | None = None,
        region: str = "us-east-1",
        account_id: str = "123456789012",
        credentials: Credentials = PUBLISHED,
        durations: Durations | None = None,
        quotas: Quotas | None = None,
        throttle: Throttle = "off",
        faults: Iterable[Fault] = (),
        on_event: OnEvent | None = None,
        events: Path | str | None = None,
        clock: Callable[[], datetime] = wall_clock,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        if host not in LOOPBACK_NAMES and not allow_remote:
            raise ValueError("an address that others can reach needs allow_remote=True")
        self.buckets = {name: Path(folder) for name, folder in (buckets or {}).items()}
        self.credentials = credentials
        self.region = region
        self._listeners = Listeners(on_event, Path(events) if events else None)
        self._state = State(
            region=region,
            account_id=account_id,
            buckets=self.buckets,
            durations=durations or Durations(),
            quotas=quotas or Quotas.of(region),
            clock=clock,
            sleep=sleep,
            on_event=self._listeners if on_event or events else None,
        )
        self._address = (host, port)
        self._data = None if data is None else Path(data)
        self._saver: FolderSaver | None = None
        self.faults = Faults(faults)
        self.journal = Journal()
        self._throttling = Throttling(monotonic, throttle)
        self._door = Door(
            state=self._state,
            routes=routes(operations.ALL, (family.handles for family in FAMILIES)),
            credentials=credentials,
            faults=self.faults,
            throttling=self._throttling,
            journal=self.journal,
            local_pages=[
                Control(self._state, self.faults, self._throttling, self.journal),
                Page(self._state, self.journal),
            ],
            any_host=allow_remote,
            clock=monotonic,
        )
        self._runner: web.ServerRunner | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: _LoopThread | None = None

    @property
    def endpoint_url(self) -> str:
        """Where it listens, once it has been started."""
        if self._runner is None:
            raise RuntimeError("the emulator is not running")
        host, port = self._runner.addresses[0][:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to use the emulator: boto3, the AWS CLI, ours."""
        return {
            "AWS_ACCESS_KEY_ID": self.credentials.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.credentials.secret_access_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL_MEDICAL_IMAGING": self.endpoint_url,
            # Without it botocore calls http://runtime-127.0.0.1, which does not resolve.
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        }

    @property
    def throttle(self) -> Throttle:
        """ "off", "published", or a factor of the published rates; a new value counts at once."""
        return self._throttling.throttle

    @throttle.setter
    def throttle(self, throttle: Throttle) -> None:
        self._throttling.throttle = throttle

    @property
    def durations(self) -> Durations:
        """How long background work takes; a new value counts for what begins afterwards."""
        return self._state.durations

    @durations.setter
    def durations(self, durations: Durations) -> None:
        self._state.durations = durations

    def seed(self, datastore_id: str | None, datasets: Iterable[Dataset]) -> list[str]:
        """Make image sets of data sets, as an import would, at once and without files.

        `None` is the first ACTIVE data store, or a new one. Returns the ids of the image sets;
        several data sets can go into one. Raises `ParamValidationError` for a data set that an
        import would refuse, and then seeds nothing; `ConflictException` if an image set is locked;
        `ServiceQuotaExceededException` for more metadata than an image set may have.
        In a coroutine it keeps the loop waiting: `await asyncio.to_thread(emulator.seed, ...)`.
        """
        datastore = self._on_loop(lambda: chosen_datastore(self._state, datastore_id))
        groups = read_groups(datasets, datastore.lossless_storage_format)
        return self._on_loop(lambda: place_all(self._state, datastore, groups))

    def _on_loop(self, work: Callable[[], Result]) -> Result:
        """On the event loop that owns the state, from whatever thread."""
        if self._loop is None:
            raise RuntimeError("the emulator is not running")
        try:
            if asyncio.get_running_loop() is self._loop:
                return work()
        except RuntimeError:  # no loop here
            pass

        async def there() -> Result:
            result = work()
            await self._state.saved()
            return result

        return asyncio.run_coroutine_threadsafe(there(), self._loop).result()

    async def start(self) -> None:
        runner = web.ServerRunner(Server(self._door), shutdown_timeout=1.0)
        host, port = self._address
        self._listeners.open()
        try:
            await self._open_data()
            await runner.setup()
            await web.TCPSite(runner, host, port).start()
        except BaseException:
            await runner.cleanup()
            await self._close_data()
            self._listeners.close()
            raise
        self._runner = runner
        self._loop = asyncio.get_running_loop()

    async def stop(self) -> None:
        """Stop listening and end what runs in the background; harmless when not running."""
        runner, self._runner = self._runner, None
        self._loop = None
        if runner is not None:
            await runner.cleanup()
        await self._state.stop()
        abandon_everything(self._state)
        try:
            await self._close_data()
        finally:
            self._listeners.close()

    async def _open_data(self) -> None:
        if self._data is not None:
            self._saver, records = await FolderSaver.open(self._data)
            self._check_owner(self._data, records)
            self._state.saver = self._saver
            self._state.restore(records)
            abandon_everything(self._state)
            with explained(self._data):
                await self._state.saved()

    def _check_owner(self, path: Path, records: Iterable[Record]) -> None:
        """ARNs are for ever: another account or region would find what is not its own."""
        for record in records:
            if isinstance(record, Datastore) and record.arn != self._state.datastore_arn(record.id):
                region, account_id = record.arn.split(":")[3:5]
                raise DataFolderError(
                    f"The data folder {path} is of account {account_id} in {region}; "
                    f"this emulator is of account {self._state.account_id} in {self.region}."
                )

    async def _close_data(self) -> None:
        saver, self._saver, self._state.saver = self._saver, None, None
        if saver is not None:
            await saver.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def __enter__(self) -> Self:
        self._thread = _LoopThread()
        try:
            self._thread.run(self.start())
        except BaseException:
            self._thread.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            try:
                thread.run(self.stop())
            finally:
                thread.close()


class _LoopThread:
    """An event loop in a thread, for callers that have none."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="healthimaging-emulator", daemon=True
        )
        self._thread.start()

    def run(self, work: Coroutine[object, object, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        self.run(_end_other_tasks())
        self.run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _end_other_tasks() -> None:
    """As `asyncio.run` does: aiohttp goes on reading from clients that have left."""
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
