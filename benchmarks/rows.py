"""What is measured, and what the project wants to reach."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median

SDK, PLAIN, UVLOOP, BESIDE = "sdk", "sdk without speedups", "sdk on uvloop", "sdk beside"
PATIENT, OWN_MALLOC = "sdk, patient collector", "sdk, malloc's own settings"
AIOBOTOCORE, CAPO, BARE = "aiobotocore", "capo", "bare aiohttp"
LIBRARIES = "the libraries alone"
BOTO3, BOTO3_32 = "boto3", "boto3 in 32 threads"

ASYNC_PEERS = (AIOBOTOCORE, CAPO, BARE)
ALL = (SDK, BARE, AIOBOTOCORE, BOTO3, BOTO3_32, CAPO)
ONE_AT_ONCE = (SDK, PLAIN, BARE, LIBRARIES, AIOBOTOCORE, BOTO3, CAPO)
OWN_CHOICES = (SDK, UVLOOP, PATIENT, OWN_MALLOC, BARE)
"""This client, with what an application may choose for it."""


@dataclass(frozen=True)
class Row:
    name: str
    work: str
    """The method of the clients."""
    answer: tuple[str, int]
    """What the server sends: a kind and a size, as `benchmarks.content` knows them."""
    calls: int
    """In a turn."""
    at_once: int = 1
    clients: tuple[str, ...] = ALL
    targets: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """By client and peer: at most so much of the peer's CPU."""
    turns: int = 1
    """Of each client in a round, one after the other: of a process that is warm, or of a start."""
    of_start: bool = False
    """Whether the start of a process is a part of the work."""
    units: int = 1
    """A call's cost is divided by it."""
    pool_size: int = 128


@dataclass(frozen=True)
class Study:
    title: str
    rows: tuple[Row, ...]
    figure: str = "cpu_us"
    """What is shown of a sample, divided by `scale`."""
    of_repeats: Callable[[Iterable[float]], float] = median
    scale: float = 1
    decimals: int = 0
    equal_allocator: bool = True
    """Whether every process gets the same settings of malloc, or the system's own."""
    pinned: bool = True
    tls: bool = False


SETTLED, LOCKED = ("settled", 0), ("locked", 0)
