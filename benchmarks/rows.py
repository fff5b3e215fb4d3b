"""What is measured, and what the project wants to reach."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.content import image_set_id

SDK, PLAIN = "sdk", "sdk without speedups"
AIOBOTOCORE, CAPO, BARE = "aiobotocore", "capo", "bare aiohttp"
BOTO3, BOTO3_32 = "boto3", "boto3 in 32 threads"

ASYNC_PEERS = (AIOBOTOCORE, CAPO, BARE)
ALL = (SDK, AIOBOTOCORE, BOTO3, BOTO3_32, CAPO, BARE)
WITH_PLAIN = (SDK, PLAIN, AIOBOTOCORE, BOTO3, CAPO, BARE)


@dataclass(frozen=True)
class Row:
    name: str
    work: str
    """The method of the clients."""
    image_set_id: str
    calls: int
    at_once: int = 1
    clients: tuple[str, ...] = ALL
    targets: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """By client and peer: at most so much of the peer's CPU."""


def _frames(kib: int, calls: int, aiobotocore: float, bare: float) -> Row:
    return Row(
        f"GetImageFrame {kib} KiB, 32 at once",
        "get_image_frame",
        image_set_id("frame", kib),
        calls,
        at_once=32,
        targets={(SDK, AIOBOTOCORE): 1 / aiobotocore, (SDK, BARE): bare, (SDK, CAPO): 1 / 2},
    )


def _document(megabytes: int, calls: int, speedups: float, plain: float) -> Row:
    return Row(
        f"metadata to dict, {megabytes} MB",
        "metadata_to_dict",
        image_set_id("document", megabytes),
        calls,
        clients=WITH_PLAIN,
        targets={
            (SDK, AIOBOTOCORE): 1 / speedups,
            (PLAIN, AIOBOTOCORE): 1 / plain,
            (SDK, CAPO): 1 / 2,
        },
    )


ROWS = (
    *(
        Row(
            f"GetImageSet, {at_once} at once",
            "get_image_set",
            image_set_id("settled"),
            calls=4000,
            at_once=at_once,
            targets={(SDK, AIOBOTOCORE): 1 / 4, (SDK, BARE): 1.7, (SDK, CAPO): 1 / 2},
        )
        for at_once in (16, 128)
    ),
    _frames(8, 4000, aiobotocore=4, bare=1.6),
    _frames(64, 4000, aiobotocore=4, bare=1.5),
    _frames(512, 2000, aiobotocore=2.5, bare=1.2),
    _document(1, 40, speedups=3.5, plain=1.3),
    _document(20, 4, speedups=2.3, plain=1.15),
    Row(
        "metadata to a file, 20 MB",
        "metadata_to_file",
        image_set_id("document", 20),
        calls=8,
        clients=WITH_PLAIN,
        targets={(SDK, AIOBOTOCORE): 1 / 1.4, (SDK, CAPO): 1 / 2},
    ),
    Row(
        "1,000 versions iterated",
        "iterate_versions",
        image_set_id("settled"),
        calls=30,
        clients=WITH_PLAIN,
        targets={(SDK, AIOBOTOCORE): 1 / 6, (SDK, CAPO): 1 / 2},
    ),
    Row(
        "a look of 1,000 waiting copies",
        "wait",
        image_set_id("locked"),
        calls=5000,
        at_once=1000,
        clients=(SDK, *ASYNC_PEERS),
        targets={(SDK, AIOBOTOCORE): 1 / 3, (SDK, CAPO): 1 / 2},
    ),
    Row(
        "import, client, first call",
        "cold_start",
        image_set_id("settled"),
        calls=1,
        clients=(SDK, AIOBOTOCORE, BOTO3, CAPO, BARE),
        targets={(SDK, AIOBOTOCORE): 0.7, (SDK, BOTO3): 1.15, (SDK, CAPO): 1 / 2},
    ),
)
