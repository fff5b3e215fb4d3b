"""This client beside its peers, and what the project wants to reach."""

from collections.abc import Mapping

from benchmarks.rows import (
    AIOBOTOCORE,
    ASYNC_PEERS,
    BARE,
    BOTO3,
    CAPO,
    LIBRARIES,
    LOCKED,
    ONE_AT_ONCE,
    PLAIN,
    SDK,
    SETTLED,
    Row,
    Study,
)


def _get_image_set(at_once: int) -> Row:
    return Row(
        f"GetImageSet, {at_once} at once",
        "get_image_set",
        SETTLED,
        calls=640,
        at_once=at_once,
        turns=8,
        targets={(SDK, AIOBOTOCORE): 1 / 4, (SDK, BARE): 1.7, (SDK, CAPO): 1 / 2},
    )


def _frames(kib: int, calls: int, aiobotocore: float, bare: float) -> Row:
    return Row(
        f"GetImageFrame {kib} KiB, 32 at once",
        "get_image_frame",
        ("frame", kib),
        calls,
        at_once=32,
        turns=8,
        targets={(SDK, AIOBOTOCORE): 1 / aiobotocore, (SDK, BARE): bare, (SDK, CAPO): 1 / 2},
    )


def _document(megabytes: int, calls: int, turns: int, speedups: float, plain: float) -> Row:
    return Row(
        f"metadata to dict, {megabytes} MB",
        "metadata_to_dict",
        ("document", megabytes),
        calls,
        turns=turns,
        clients=ONE_AT_ONCE,
        targets={
            **_and_of_libraries({AIOBOTOCORE: 1 / speedups, CAPO: 1 / 2}),
            (PLAIN, AIOBOTOCORE): 1 / plain,
        },
    )


def _and_of_libraries(aims: Mapping[str, float]) -> dict[tuple[str, str], float]:
    """By peer: how this client is to be, and whether its libraries alone would be so."""
    return {(client, peer): aim for client in (SDK, LIBRARIES) for peer, aim in aims.items()}


PEERS = Study(
    "CPU per call in microseconds, medians",
    (
        _get_image_set(16),
        _get_image_set(128),
        _frames(8, 640, aiobotocore=4, bare=1.6),
        _frames(64, 640, aiobotocore=4, bare=1.5),
        _frames(512, 320, aiobotocore=2.5, bare=1.2),
        _document(1, 20, turns=8, speedups=3.5, plain=1.3),
        _document(20, 1, turns=4, speedups=2.3, plain=1.15),
        Row(
            "metadata to a file, 20 MB",
            "metadata_to_file",
            ("document", 20),
            calls=2,
            turns=6,
            clients=ONE_AT_ONCE,
            targets=_and_of_libraries({AIOBOTOCORE: 1 / 1.4, CAPO: 1 / 2}),
        ),
        Row(
            "1,000 versions iterated",
            "iterate_versions",
            ("versions", 1000),
            calls=3,
            turns=8,
            clients=ONE_AT_ONCE,
            targets=_and_of_libraries({AIOBOTOCORE: 1 / 6, CAPO: 1 / 2}),
        ),
        Row(
            "a look of 1,000 waiting copies",
            "wait",
            LOCKED,
            calls=3000,
            at_once=1000,
            turns=3,
            clients=(SDK, *ASYNC_PEERS),
            targets={(SDK, AIOBOTOCORE): 1 / 3, (SDK, CAPO): 1 / 2},
        ),
        Row(
            "import, client, first call",
            "get_image_set",
            SETTLED,
            calls=1,
            turns=3,
            of_start=True,
            clients=(SDK, BARE, LIBRARIES, AIOBOTOCORE, BOTO3, CAPO),
            targets=_and_of_libraries({AIOBOTOCORE: 0.7, BOTO3: 1.15, CAPO: 1 / 2}),
        ),
    ),
)
