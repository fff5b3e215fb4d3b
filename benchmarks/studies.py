"""How cost grows, and what else an application pays: connections, memory, the event loop's time."""

from dataclasses import replace

from benchmarks.peers import PEERS
from benchmarks.rows import (
    AIOBOTOCORE,
    ASYNC_PEERS,
    BARE,
    BOTO3,
    BOTO3_32,
    CAPO,
    LIBRARIES,
    LOCKED,
    OWN_CHOICES,
    PLAIN,
    SDK,
    SETTLED,
    UVLOOP,
    Row,
    Study,
)

GROWTH = Study(
    # Whatever else runs on the machine can only add to it.
    "CPU in microseconds, the least of all turns",
    (
        *(
            Row(
                f"GetImageSet, {each} at once",
                "get_image_set",
                SETTLED,
                1024,
                each,
                OWN_CHOICES,
                turns=4,
            )
            for each in (1, 8, 64, 512)
        ),
        *(
            Row(
                f"GetImageFrame {kib} KiB, 32 at once",
                "get_image_frame",
                ("frame", kib),
                calls,
                32,
                OWN_CHOICES,
                turns=4,
            )
            for kib, calls in ((8, 640), (64, 640), (512, 320))
        ),
        *(
            Row(
                f"a look of {waiters:,} waiting copies",
                "wait",
                LOCKED,
                waiters * looks,
                waiters,
                OWN_CHOICES,
            )
            for waiters, looks in ((10, 20), (100, 20), (1000, 3), (10_000, 3))
        ),
        *(
            Row(
                f"metadata to dict, {size} MB, per MB",
                "metadata_to_dict",
                ("document", size),
                calls,
                clients=(SDK, PLAIN, BARE),
                units=size,
                turns=turns,
            )
            for size, calls, turns in ((1, 20, 4), (20, 1, 4), (200, 1, 1))
        ),
        *(
            Row(
                f"metadata to a file, {size} MB, per MB",
                "metadata_to_file",
                ("document", size),
                calls,
                clients=(SDK, PLAIN, BARE),
                units=size,
                turns=turns,
            )
            for size, calls, turns in ((1, 20, 4), (20, 2, 4), (200, 1, 1))
        ),
        *(
            Row(
                f"{size:,} versions iterated, per version",
                "iterate_versions",
                ("versions", size),
                calls,
                clients=OWN_CHOICES,
                units=size,
                turns=turns,
            )
            for size, calls, turns in (
                (100, 30, 4),
                (1000, 3, 4),
                (10_000, 1, 2),
                (100_000, 1, 1),
            )
        ),
    ),
    of_repeats=min,
    decimals=1,
)

CONNECTIONS = Study(
    "Connections that the server saw",
    tuple(
        Row(
            f"1,000 calls, {at_once} at once, a pool of 16",
            "get_image_set",
            SETTLED,
            1000,
            at_once,
            (SDK, *ASYNC_PEERS),
            pool_size=16,
        )
        for at_once in (1, 16, 128, 512)
    ),
    figure="connections",
)

MEMORY = Study(
    "Memory in MiB, medians",
    (
        Row(
            "a client after its first call",
            "get_image_set",
            SETTLED,
            1,
            of_start=True,
            clients=(SDK, PLAIN, BARE, AIOBOTOCORE, BOTO3, CAPO),
        ),
        *(
            Row(
                f"metadata to a file, {size} MB: the most",
                "metadata_to_file",
                ("document", size),
                2,
                clients=(SDK, PLAIN, BARE, AIOBOTOCORE, BOTO3, CAPO),
            )
            for size in (20, 200)
        ),
    ),
    figure="peak_kib",
    scale=1024,
    decimals=1,
    equal_allocator=False,
)

LAG = Study(
    # Whatever else runs on the machine can only add to it.
    "The event loop's longest lag in milliseconds, the least of the repeats",
    tuple(
        Row(f"20 MB, {what}", work, ("document", 20), 4, clients=clients)
        for what, work, clients in (
            ("the whole blob", "metadata_to_bytes", (SDK, PLAIN, UVLOOP)),
            ("to a file", "metadata_to_file", (SDK, PLAIN, UVLOOP, AIOBOTOCORE, CAPO)),
            ("to a dict", "metadata_to_dict", (SDK, PLAIN, UVLOOP, AIOBOTOCORE, CAPO)),
            ("instance by instance", "metadata_by_instance", (SDK, PLAIN, UVLOOP)),
        )
    ),
    figure="lag_us",
    of_repeats=min,
    scale=1000,
    decimals=1,
    pinned=False,
)

_PROFILED = {
    "GetImageSet, 16": (SDK, BARE),
    "8 KiB": (SDK, BARE),
    "512 KiB": (SDK, BARE),
    "to dict, 1 MB": (SDK, LIBRARIES),
    "to a file": (SDK, LIBRARIES, CAPO),
    "1,000 versions": (SDK, BARE, LIBRARIES),
    "first call": (SDK, BARE, LIBRARIES, AIOBOTOCORE, BOTO3, CAPO),
}

PROFILE = Study(
    "CPU per call in microseconds, by the code it is spent in",
    tuple(
        replace(row, clients=clients, targets={})
        for row in PEERS.rows
        for part, clients in _PROFILED.items()
        if part in row.name
    ),
    figure="profile",
)

TLS = replace(
    PEERS,
    rows=tuple(
        replace(
            row,
            clients=tuple(each for each in row.clients if each not in (PLAIN, LIBRARIES, BOTO3_32)),
        )
        for row in PEERS.rows
        if "20 MB" not in row.name
    ),
    tls=True,
)

STUDIES = {
    "peers": PEERS,
    "tls": TLS,
    "profile": PROFILE,
    "growth": GROWTH,
    "connections": CONNECTIONS,
    "memory": MEMORY,
    "lag": LAG,
}
