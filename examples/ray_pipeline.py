"""What `verify_frames.py` does, by the workers of a Ray cluster.

    python examples/ray_pipeline.py DATASTORE_ID [--workers 2]

It joins the cluster of `RAY_ADDRESS`, or starts one on this machine. A client belongs to one
process and its event loop: each worker is an asynchronous actor that makes its own, uses it for
all image sets that it gets, and closes it at the end. `Config` and the models travel; credentials
do not: each worker finds its own, as it finds region and endpoint. On other machines it needs
`verify_frames.py` as well: `ray job submit --working-dir examples -- python ray_pipeline.py ...`

`docs/iam/viewer.json` is the policy that it needs. Against the emulator, as `verify_frames.py`.
"""
# pyright: basic, reportMissingImports=false
# Ray has types in part, and is large: it may be missing where types are checked.

import argparse
import asyncio
import sys
from collections.abc import Iterator
from typing import Any

import ray
from ray.util import ActorPool
from verify_frames import Report, list_image_sets, verify

from healthimaging_sdk import Config, HealthImagingClient, ImageSetsMetadataSummary

CONFIG = Config(pool_size=32, user_agent_suffix="verify-frames")


class Worker:
    def __init__(self, config: Config) -> None:
        self.client = HealthImagingClient(config=config)

    async def verify(self, datastore_id: str, image_set: ImageSetsMetadataSummary) -> Report:
        return await verify(self.client, datastore_id, image_set.image_set_id)

    async def aclose(self) -> None:
        await self.client.aclose()


async def find(datastore_id: str, config: Config) -> list[ImageSetsMetadataSummary]:
    async with HealthImagingClient(config=config) as client:
        return await list_image_sets(client, datastore_id)


def verify_datastore(workers: list[Any], datastore_id: str, config: Config = CONFIG) -> Report:
    """All image sets, each by the next worker that is free."""
    image_sets = asyncio.run(find(datastore_id, config))

    def hand_over(worker: Any, image_set: ImageSetsMetadataSummary) -> Any:
        return worker.verify.remote(datastore_id, image_set)

    pool: Any = ActorPool(workers)
    reports: Iterator[Report] = pool.map_unordered(hand_over, image_sets)
    return sum(reports, Report())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("datastore_id")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with ray.init(include_dashboard=False):
        workers: list[Any] = [ray.remote(Worker).remote(CONFIG) for _ in range(options.workers)]
        report = verify_datastore(workers, options.datastore_id)
        ray.get([worker.aclose.remote() for worker in workers])
    print(report)
    sys.exit(1 if report.damaged else 0)
