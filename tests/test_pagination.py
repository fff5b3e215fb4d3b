"""Pagers: every item once, no page too early, and nothing lost on the way (rule R-18)."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from attrs import evolve, frozen
from scripted_server import Connection, Received, Step, answer, error, silence
from serving import Serve

from healthimaging_sdk import (
    ClientClosed,
    DatastoreStatus,
    HealthImagingClient,
    Pager,
    PaginationError,
    ParamValidationError,
    ResourceNotFoundException,
)

DATASTORE_ID = "d" * 32
IMAGE_SET_ID = "1" * 32


@frozen
class Listing:
    """A paginated operation: how to begin it, and how its answers look."""

    method: str
    ids: tuple[str, ...]
    items: str
    item: Mapping[str, object]
    key: str
    """The member of an item that tells it from the others."""
    name: str
    """The attribute of that member."""

    def begin(self, client: HealthImagingClient, **options: Any) -> Pager[Any, Any]:
        pager: Pager[Any, Any] = getattr(client, self.method)(*self.ids, **options)
        return pager

    def page(self, *names: str, token: str | None = None) -> Step:
        items = [{**self.item, self.key: name} for name in names]
        return answer(200, {self.items: items, "nextToken": token})


DATASTORES = Listing(
    "iter_datastores",
    (),
    "datastoreSummaries",
    {"datastoreId": DATASTORE_ID, "datastoreStatus": "ACTIVE"},
    "datastoreName",
    "datastore_name",
)
JOBS = Listing(
    "iter_dicom_import_jobs",
    (DATASTORE_ID,),
    "jobSummaries",
    {"jobName": "a job", "jobStatus": "COMPLETED", "datastoreId": DATASTORE_ID},
    "jobId",
    "job_id",
)
VERSIONS = Listing(
    "iter_image_set_versions",
    (DATASTORE_ID, IMAGE_SET_ID),
    "imageSetPropertiesList",
    {"imageSetId": IMAGE_SET_ID, "imageSetState": "ACTIVE"},
    "versionId",
    "version_id",
)
FOUND = Listing(
    "iter_image_sets",
    (DATASTORE_ID,),
    "imageSetsMetadataSummaries",
    {},
    "imageSetId",
    "image_set_id",
)
LISTINGS = {listing.method: listing for listing in (DATASTORES, JOBS, VERSIONS, FOUND)}
every_listing = pytest.mark.parametrize("listing", LISTINGS.values(), ids=list(LISTINGS))
THREE_PAGES = (
    VERSIONS.page("1", "2", token="two"),
    VERSIONS.page("3", "4", token="three"),
    VERSIONS.page("5"),
)


def asked(request: Received) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(request.target).query))


async def names(pager: Pager[Any, Any], listing: Listing = VERSIONS) -> list[str]:
    return [getattr(item, listing.name) async for item in pager]


async def take(pager: Pager[Any, Any], count: int) -> list[str]:
    return [(await anext(pager)).version_id for _ in range(count)]


# ── Every item, once ──────────────────────────────────────────────────────────


@every_listing
async def test_every_item_of_every_page_comes_once(serve: Serve, listing: Listing) -> None:
    server, client = await serve(
        listing.page("a", "b", token="two & more/="),
        listing.page(token="three"),
        listing.page("c"),
    )
    assert await names(listing.begin(client), listing) == ["a", "b", "c"]
    assert [asked(request) for request in server.requests] == [
        {},
        {"nextToken": "two & more/="},
        {"nextToken": "three"},
    ]


@every_listing
async def test_whole_pages_come_once(serve: Serve, listing: Listing) -> None:
    server, client = await serve(listing.page("a", "b", token="two"), listing.page("c"))
    pages = [page async for page in listing.begin(client).pages()]
    assert [page.next_token for page in pages] == ["two", None]
    assert len(server.requests) == 2


@every_listing
async def test_the_page_size_goes_with_every_page(serve: Serve, listing: Listing) -> None:
    server, client = await serve(listing.page("a", token="two"), listing.page("b"))
    assert await names(listing.begin(client, page_size=1), listing) == ["a", "b"]
    assert [asked(request)["maxResults"] for request in server.requests] == ["1", "1"]


@pytest.mark.parametrize("token", [None, ""])
async def test_no_token_and_an_empty_one_end_the_pages(serve: Serve, token: str | None) -> None:
    server, client = await serve(VERSIONS.page("1", token=token))
    pager = VERSIONS.begin(client)
    assert await names(pager) == ["1"]
    assert pager.resume_token is None
    assert await names(pager) == []
    assert len(server.requests) == 1


@every_listing
async def test_a_last_page_may_be_empty(serve: Serve, listing: Listing) -> None:
    _, client = await serve(listing.page("a", token="two"), listing.page())
    assert await names(listing.begin(client), listing) == ["a"]


async def test_a_page_without_data_stores_is_an_empty_one(serve: Serve) -> None:
    _, client = await serve(answer(200, {}))
    assert [item async for item in client.iter_datastores()] == []


async def test_the_filters_go_with_every_page(serve: Serve) -> None:
    server, client = await serve(DATASTORES.page("a", token="two"), DATASTORES.page("b"))
    pager = client.iter_datastores(datastore_status=DatastoreStatus.ACTIVE)
    assert await names(pager, DATASTORES) == ["a", "b"]
    assert {asked(request)["datastoreStatus"] for request in server.requests} == {"ACTIVE"}


# ── No page too early ─────────────────────────────────────────────────────────


async def test_a_page_is_requested_when_its_first_item_is_wanted(serve: Serve) -> None:
    server, client = await serve(*THREE_PAGES)
    pager = VERSIONS.begin(client)
    assert server.connections == 0
    requests = [(version.version_id, len(server.requests)) async for version in pager]
    assert requests == [("1", 1), ("2", 1), ("3", 2), ("4", 2), ("5", 3)]


async def test_a_page_is_requested_when_it_is_wanted(serve: Serve) -> None:
    server, client = await serve(*THREE_PAGES)
    requests = [len(server.requests) async for _ in VERSIONS.begin(client).pages()]
    assert requests == [1, 2, 3]


async def test_no_connection_is_held_between_pages(serve: Serve) -> None:
    """In a pool of one, other calls go on; and a loop that is left leaves no task behind."""
    server, client = await serve(VERSIONS.page("1", token="two"), answer(200, {}), pool_size=1)
    async for _ in VERSIONS.begin(client):
        await client.list_datastores()
        break
    assert server.connections == 1
    tasks = {repr(task.get_coro()) for task in asyncio.all_tasks()}
    assert not [task for task in tasks if "athrow" in task or "aclose" in task]


# ── Limits ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("limit", "requests", "resume_token"),
    [
        (0, 0, None),
        (1, 1, None),
        (2, 1, "two"),
        (3, 2, "two"),
        (4, 2, "three"),
        (5, 3, None),
        (99, 3, None),
    ],
)
async def test_a_limit_ends_the_items(
    serve: Serve, limit: int, requests: int, resume_token: str | None
) -> None:
    """In the middle of a page the token names that page, else the one after it."""
    server, client = await serve(*THREE_PAGES)
    pager = VERSIONS.begin(client, limit=limit, page_size=2)
    assert await names(pager) == ["1", "2", "3", "4", "5"][:limit]
    assert await names(pager) == []
    assert len(server.requests) == requests
    assert pager.resume_token == resume_token


@pytest.mark.parametrize(("limit", "pages"), [(0, 0), (1, 1), (2, 1), (3, 2), (5, 3), (99, 3)])
async def test_a_limit_ends_the_pages_after_the_one_that_reaches_it(
    serve: Serve, limit: int, pages: int
) -> None:
    server, client = await serve(*THREE_PAGES)
    pager = VERSIONS.begin(client, limit=limit, page_size=2)
    assert len([page async for page in pager.pages()]) == pages
    assert len(server.requests) == pages


@pytest.mark.parametrize(("limit", "size"), [(3, "3"), (49, "49"), (50, None), (51, None)])
async def test_a_small_limit_asks_for_no_more(serve: Serve, limit: int, size: str | None) -> None:
    server, client = await serve(VERSIONS.page("1"))
    await names(VERSIONS.begin(client, limit=limit))
    assert asked(server.requests[0]).get("maxResults") == size


@pytest.mark.parametrize(
    ("options", "parameter"),
    [
        ({"limit": -1}, "limit"),
        ({"limit": "5"}, "limit"),
        ({"limit": 2.5}, "limit"),
        ({"page_size": 0}, "page_size"),
        ({"page_size": 51}, "page_size"),
        ({"page_size": "9"}, "page_size"),
        ({"resume_token": ""}, "resume_token"),
        ({"resume_token": "ümlaut"}, "resume_token"),
        ({"resume_token": "x" * 8193}, "resume_token"),
    ],
)
async def test_what_cannot_be_is_refused_at_once(
    serve: Serve, options: dict[str, Any], parameter: str
) -> None:
    server, client = await serve(VERSIONS.page())
    with pytest.raises(ParamValidationError) as caught:
        VERSIONS.begin(client, **options)
    assert caught.value.parameter == parameter
    assert "ümlaut" not in str(caught.value)
    assert server.connections == 0


@pytest.mark.parametrize("listing", [JOBS, VERSIONS, FOUND])
async def test_a_bad_id_is_refused_at_once(serve: Serve, listing: Listing) -> None:
    _, client = await serve()
    with pytest.raises(ParamValidationError, match="datastore_id"):
        evolve(listing, ids=("../x", *listing.ids[1:])).begin(client)


# ── Nothing lost ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("read", "begun", "resume_token", "again"),
    [(0, 0, None, 0), (1, 1, None, 0), (2, 1, None, 0), (3, 2, "two", 1), (5, 3, "three", 2)],
)
async def test_a_new_pager_goes_on_from_the_page_that_was_being_read(
    serve: Serve, read: int, begun: int, resume_token: str | None, again: int
) -> None:
    _, client = await serve(*THREE_PAGES[:begun], *THREE_PAGES[again:])
    left = VERSIONS.begin(client)
    first = await take(left, read)
    assert left.resume_token == resume_token
    second = await names(VERSIONS.begin(client, resume_token=left.resume_token))
    assert sorted({*first, *second}) == ["1", "2", "3", "4", "5"]


async def test_a_loop_that_was_left_goes_on_where_it_was(serve: Serve) -> None:
    server, client = await serve(*THREE_PAGES)
    pager = VERSIONS.begin(client)
    assert await take(pager, 1) == ["1"]
    async for version in pager:
        assert version.version_id == "2"
        break
    assert await names(pager) == ["3", "4", "5"]
    assert len(server.requests) == 3


async def test_a_failed_page_can_be_tried_again_by_either_pager(serve: Serve) -> None:
    denied = error(404, "ResourceNotFoundException")
    server, client = await serve(*THREE_PAGES[:2], denied, denied, *THREE_PAGES[2:])
    pager = VERSIONS.begin(client)
    assert await take(pager, 4) == ["1", "2", "3", "4"]
    for again in (pager, VERSIONS.begin(client, resume_token="three")):
        with pytest.raises(ResourceNotFoundException):
            await anext(again)
        assert again.resume_token == "three"
    assert await names(pager) == ["5"]
    assert asked(server.requests[-1]) == {"nextToken": "three"}


async def test_a_page_is_retried_like_any_call(serve: Serve) -> None:
    server, client = await serve(
        THREE_PAGES[0], error(500, "InternalServerException"), *THREE_PAGES[1:]
    )
    assert await names(VERSIONS.begin(client)) == ["1", "2", "3", "4", "5"]
    assert len(server.requests) == 4


async def test_a_cancelled_page_can_be_asked_for_again(serve: Serve) -> None:
    has_been_asked = asyncio.Event()

    async def no_answer(connection: Connection, received: Received) -> None:
        has_been_asked.set()
        await silence(connection, received)

    _, client = await serve(THREE_PAGES[0], no_answer, *THREE_PAGES[1:])
    pager = VERSIONS.begin(client)
    assert await take(pager, 2) == ["1", "2"]
    waiting = asyncio.create_task(take(pager, 1))
    await has_been_asked.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await names(pager) == ["3", "4", "5"]


async def test_tasks_that_share_a_pager_share_its_items(serve: Serve) -> None:
    server, client = await serve(*THREE_PAGES)
    pager = VERSIONS.begin(client)
    shares = await asyncio.gather(*(names(pager) for _ in range(3)))
    assert sorted(name for share in shares for name in share) == ["1", "2", "3", "4", "5"]
    assert len(server.requests) == 3


async def test_whole_pages_repeat_the_one_that_was_begun(serve: Serve) -> None:
    server, client = await serve(*THREE_PAGES[:2], *THREE_PAGES[1:])
    pager = VERSIONS.begin(client)
    assert await take(pager, 3) == ["1", "2", "3"]
    pages = [page.image_set_properties_list async for page in pager.pages()]
    assert [item.version_id for page in pages for item in page] == ["3", "4", "5"]
    assert [asked(request).get("nextToken") for request in server.requests] == [
        None,
        "two",
        "two",
        "three",
    ]


@pytest.mark.parametrize(
    "tokens",
    [("one", "one"), ("one", "two", "one"), ("one", "two", "three", "two")],
    ids=["the same twice", "a circle", "a circle later"],
)
async def test_pages_that_go_in_a_circle_are_an_error(
    serve: Serve, tokens: tuple[str, ...]
) -> None:
    """The items before it have come; asking again does not make it a clean end."""
    pages = [VERSIONS.page(str(number), token=token) for number, token in enumerate(tokens)]
    server, client = await serve(*pages)
    pager = VERSIONS.begin(client)
    assert await take(pager, len(tokens)) == [str(number) for number in range(len(tokens))]
    for _ in range(2):
        with pytest.raises(PaginationError):
            await anext(pager)
    assert len(server.requests) == len(tokens)


async def test_the_token_that_a_pager_began_with_closes_a_circle_too(serve: Serve) -> None:
    _, client = await serve(VERSIONS.page("1", token="begun"))
    with pytest.raises(PaginationError):
        await names(VERSIONS.begin(client, resume_token="begun"))


async def test_a_token_is_never_shown(serve: Serve) -> None:
    _, client = await serve(VERSIONS.page("1", token="canary"), VERSIONS.page("2", token="canary"))
    pager = VERSIONS.begin(client)
    with pytest.raises(PaginationError) as caught:
        await names(pager)
    assert pager.resume_token == "canary"
    assert "canary" not in f"{pager!r} {pager} {caught.value!r} {caught.value}"
    assert "Redacted" in repr(pager)
    assert repr(VERSIONS.begin(client)) == "Pager(resume_token=None, page_size=None, limit=None)"


async def test_closing_the_client_ends_the_pages(serve: Serve) -> None:
    _, client = await serve(*THREE_PAGES)
    pager = VERSIONS.begin(client)
    await take(pager, 2)
    await client.aclose()
    with pytest.raises(ClientClosed):
        await anext(pager)
