"""Whose code the time is spent in: of a call as cProfile sees it, of a start by its imports."""

import cProfile
import pstats
import re
from collections import Counter
from collections.abc import Awaitable
from typing import Any

KERNEL, ASYNCIO, AIOHTTP, BOTOCORE = "kernel", "asyncio", "aiohttp", "botocore, signing"
INFLATING, MODELS, CLIENT, REST = "inflating", "JSON and models", "this client", "the rest"
GROUPS = (KERNEL, ASYNCIO, AIOHTTP, BOTOCORE, INFLATING, MODELS, CLIENT, REST)

_IDLE = "select.epoll"
_PATTERNS = (
    (KERNEL, r"_socket\.socket|_io\.BufferedWriter|_io\._IOBase|io\.open"),
    (BOTOCORE, r"boto3|botocore|hmac|hashlib|_signing\b"),
    (INFLATING, r"zlib|gzip"),
    (MODELS, r"msgspec|cattrs|\battrs?\b|json|_conversion\b|datetime|\benum\b"),
    (AIOHTTP, r"aiohttp|yarl|multidict|propcache|frozenlist|aiosignal"),
    (ASYNCIO, r"asyncio|selectors|_contextvars"),
    (CLIENT, r"healthimaging_sdk|tenacity"),
)


async def shares(work: Awaitable[object]) -> dict[str, float]:
    """The share of each group in the time of the work, without waiting for sockets."""
    profile = cProfile.Profile()
    profile.enable()
    await work
    profile.disable()
    seconds: Counter[str] = Counter()
    stats: Any = pstats.Stats(profile)
    for (file, _, function), (_, _, own_time, _, _) in stats.stats.items():
        place = f"{file} {function}"
        if _IDLE not in place:
            seconds[_group(place) or REST] += own_time
    return {name: seconds[name] / seconds.total() for name in GROUPS}


def shares_of_imports(report: str, process_us: float) -> dict[str, float]:
    """The same of a whole process, by what `python -X importtime` has reported.

    A module of another group belongs to whoever has imported it first. Whatever is no import is
    in the rest: the interpreter's start, the client and its call.
    """
    spent_us: Counter[str] = Counter()
    importers: list[str] = []
    # The report names a module after those that it imports, so that from its end it is a tree.
    for line in reversed(report.splitlines()):
        if found := re.fullmatch(r"import time: +(\d+) \| +\d+ \| ((?:  )*)(\S+)", line):
            own_us, indent, module = found.groups()
            del importers[len(indent) // 2 :]
            importers.append(_group(module) or (importers[-1] if importers else REST))
            spent_us[importers[-1]] += int(own_us)
    spent_us[REST] += process_us - spent_us.total()
    return {name: spent_us[name] / process_us for name in GROUPS}


def _group(place: str) -> str | None:
    return next((name for name, pattern in _PATTERNS if re.search(pattern, place)), None)
