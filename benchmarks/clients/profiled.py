"""Whose code the time of a call is spent in, as cProfile sees it."""

import cProfile
import pstats
import re
from collections import Counter
from collections.abc import Awaitable
from typing import Any

KERNEL, ASYNCIO, AIOHTTP = "kernel", "asyncio", "aiohttp"
SIGNING, MODELS, CLIENT, REST = "signing", "JSON and models", "this client", "the rest"
GROUPS = (KERNEL, ASYNCIO, AIOHTTP, SIGNING, MODELS, CLIENT, REST)

_KERNEL = "_socket.socket"
_IDLE = "select.epoll"
_PATTERNS = (
    (SIGNING, r"botocore|hmac|hashlib|_signing\.py"),
    (
        MODELS,
        r"msgspec|cattrs|<attrs generated|json|_conversion\.py|datetime|enum\.py",
    ),
    (AIOHTTP, r"aiohttp|yarl|multidict|propcache|frozenlist|aiosignal"),
    (ASYNCIO, r"asyncio|selectors\.py|_contextvars"),
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
            seconds[_group(place)] += own_time
    return {name: seconds[name] / seconds.total() for name in GROUPS}


def _group(place: str) -> str:
    if _KERNEL in place:
        return KERNEL
    return next((name for name, pattern in _PATTERNS if re.search(pattern, place)), REST)
