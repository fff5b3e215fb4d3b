"""What `verify_frames.py` does, by the workers of a Dask cluster.

    python examples/dask_pipeline.py DATASTORE_ID [--scheduler ADDRESS] [--workers 2]

Without the address of a scheduler, it starts workers on this machine. A client belongs to one
process: each worker makes its own when it starts, uses it for all tasks, and closes it when it
stops. What travels between the processes, `Config`, models and errors, can be pickled. The
credentials do not travel: each worker finds its own, as it finds region and endpoint.

A client paces itself and knows of no other; the workers meet when the service throttles them.

`docs/iam/viewer.json` is the policy that it needs. Against the emulator, as `verify_frames.py`.
"""

import argparse
import asyncio
import sys
from typing import Any

import verify_frames
from distributed import Client, Worker, WorkerPlugin, get_worker
from verify_frames import Report, list_image_sets, verify

from healthimaging_sdk import Config, HealthImagingClient, ImageSetsMetadataSummary

CONFIG = Config(pool_size=32, user_agent_suffix="verify-frames")


class OwnClient(WorkerPlugin):
    """A client for each worker, on the event loop of the worker."""

    name = "healthimaging"

    def __init__(self, config: Config) -> None:
        self.config = config

    def setup(self, worker: Worker) -> None:  # noqa: ARG002
        self.client = HealthImagingClient(config=self.config)

    async def teardown(self, worker: Worker) -> None:  # noqa: ARG002
        await self.client.aclose()


async def verify_on_worker(image_set: ImageSetsMetadataSummary, datastore_id: str) -> Report:
    plugin: Any = get_worker().plugins["healthimaging"]
    return await verify(plugin.client, datastore_id, image_set.image_set_id)


async def find(datastore_id: str, config: Config) -> list[ImageSetsMetadataSummary]:
    async with HealthImagingClient(config=config) as client:
        return await list_image_sets(client, datastore_id)


def verify_datastore(dask: Any, datastore_id: str, config: Config = CONFIG) -> Report:
    """All image sets, a task each."""
    dask.register_plugin(OwnClient(config))
    image_sets = asyncio.run(find(datastore_id, config))
    tasks = dask.map(verify_on_worker, image_sets, datastore_id=datastore_id, pure=False, retries=2)
    reports: list[Report] = dask.gather(tasks)
    return sum(reports, Report())


def connect(scheduler: str | None, workers: int) -> Any:
    if scheduler is None:
        return Client(n_workers=workers, dashboard_address=None)  # type: ignore[no-untyped-call]
    dask: Any = Client(scheduler)  # type: ignore[no-untyped-call]
    dask.upload_file(verify_frames.__file__)  # which other machines do not have
    return dask


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("datastore_id")
    parser.add_argument("--scheduler")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with connect(options.scheduler, options.workers) as dask:
        report = verify_datastore(dask, options.datastore_id)
    print(report)
    sys.exit(1 if report.damaged else 0)
