"""Pages of a list, by opaque tokens that name where the next page begins."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable
from typing import TypeVar

from healthimaging_sdk.errors import ValidationException

Item = TypeVar("Item")
Position = tuple[int, str]
"""Where an item stands in its list: a number to sort by, and an id that is its own."""

PAGE_SIZE = 50


def page_of(
    items: Iterable[Item],
    position: Callable[[Item], Position],
    *,
    descending: bool,
    scope: object,
    next_token: str | None,
    max_results: int | None,
) -> tuple[list[Item], str | None]:
    """One page, and the token of the next.

    A token holds a position and not a count, so that items which come or go between two pages
    make no other item appear twice or never. `scope` is the question: the token of another one
    is refused.
    """
    placed = [(position(item), item) for item in items]
    if next_token is not None:
        last = _read_token(next_token, scope)
        placed = [
            (place, item)
            for place, item in placed
            if (place < last if descending else place > last)
        ]
    placed.sort(key=lambda each: each[0], reverse=descending)
    size = max_results or PAGE_SIZE
    page = placed[:size]
    more = len(placed) > size
    return [item for _, item in page], _write_token(page[-1][0], scope) if more else None


def _write_token(position: Position, scope: object) -> str:
    content = json.dumps([_digest(scope), *position])
    return base64.urlsafe_b64encode(content.encode()).decode()


def _read_token(token: str, scope: object) -> Position:
    try:
        content: object = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        content = None
    match content:
        case [str(digest), int(number), str(name)] if digest == _digest(scope):
            return number, name
        case _:
            raise ValidationException("nextToken is not a token of this list.")


def _digest(scope: object) -> str:
    # A digest and not the question itself, which can name a patient.
    return hashlib.sha256(repr(scope).encode()).hexdigest()[:16]
