"""All the items behind a paginated operation, fetched page by page as they are asked for."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from hashlib import sha256
from typing import Generic, Protocol, Self, TypeVar

from attrs import AttrsInstance, frozen

from healthimaging_sdk._constraints import MAX_RESULTS, NEXT_TOKEN, Constraint, Integer
from healthimaging_sdk._redaction import REDACTED
from healthimaging_sdk.errors import PaginationError, ParamValidationError

LIMIT = Integer(0, 2**31 - 1)


class PageModel(AttrsInstance, Protocol):
    """A response that may have another one after it."""

    @property
    def next_token(self) -> str | None: ...


Item = TypeVar("Item")
Page = TypeVar("Page", bound=PageModel)


class Pager(AsyncIterator[Item], Generic[Item, Page]):
    """`async for item in pager`, or `async for page in pager.pages()`.

    A page is requested when its first item is wanted, not before. Leaving the loop needs no
    clean-up, and a second loop goes on where the first one was left, after an error too. Tasks
    may share a pager: each item goes to one of them.

    `resume_token` names the page that is being read: given to a new pager, it repeats the items
    of that page and loses none. `limit` ends the iteration after so many items.
    """

    def __init__(
        self,
        fetch: Callable[[str | None, int | None], Awaitable[Page]],
        items: Callable[[Page], Sequence[Item]],
        *,
        page_size: int | None = None,
        limit: int | None = None,
        resume_token: str | None = None,
    ) -> None:
        _check("page_size", page_size, MAX_RESULTS)
        _check("limit", limit, LIMIT)
        _check("resume_token", resume_token, NEXT_TOKEN)
        if page_size is None and limit is not None and 0 < limit < MAX_RESULTS.max:
            page_size = limit
        self.resume_token = resume_token
        """The page to go on from: `None` at the first page, and after the last one."""
        self._fetch = fetch
        self._items = items
        self._page_size = page_size
        self._limit = self._left = limit
        self._finished = limit == 0
        self._page: Page | None = None
        self._unread: deque[Item] = deque()
        self._seen = {_digest(resume_token)}
        self._turning = asyncio.Lock()

    def __repr__(self) -> str:
        token = None if self.resume_token is None else REDACTED
        return f"Pager(resume_token={token}, page_size={self._page_size}, limit={self._limit})"

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        while not self._unread:
            async with self._turning:
                if not self._unread:
                    self._unread.extend(self._items(await self._turn()))
        if self._left is not None:
            if self._left == 0:
                # In the middle of a page: going on from it repeats some, and loses none.
                raise StopAsyncIteration
            self._left -= 1
        return self._unread.popleft()

    def pages(self) -> AsyncIterator[Page]:
        """Whole pages, from the one that `resume_token` names.

        A page that was begun item by item is requested again. `limit` ends the iteration after
        the page that reaches it.
        """
        if self._unread:
            self._unread.clear()
            self._page = None
        return _Pages(self._next_page)

    async def _next_page(self) -> Page:
        async with self._turning:
            page = await self._turn()
        self._count(len(self._items(page)))
        return page

    async def _turn(self) -> Page:
        """The page after the one that was read, if there is one."""
        if self._page is not None:
            self._leave(self._page)
        if self._finished:
            raise StopAsyncIteration
        self._page = await self._fetch(self.resume_token, self._page_size)
        return self._page

    def _leave(self, page: Page) -> None:
        token = page.next_token or None
        if token is not None:
            if _digest(token) in self._seen:
                raise PaginationError("the service's pages go in a circle")
            self._seen.add(_digest(token))
        self._page = None
        self.resume_token = token
        self._finished = token is None or self._left == 0

    def _count(self, items: int) -> None:
        if self._left is not None:
            self._left = max(0, self._left - items)


@frozen(eq=False, repr=False)
class _Pages(AsyncIterator[Page]):
    turn: Callable[[], Awaitable[Page]]

    async def __anext__(self) -> Page:
        return await self.turn()


def _check(parameter: str, value: object, constraint: Constraint) -> None:
    problem = None if value is None else constraint.problem(value)
    if problem:
        raise ParamValidationError(parameter, problem)


def _digest(token: str | None) -> bytes:
    # A token may have eight thousand characters, and a listing thousands of pages.
    return sha256((token or "").encode()).digest()
