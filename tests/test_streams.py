"""Blobs over a socket: whole or in pieces, never damaged without an error (rule R-16)."""

import gzip
import json
import os
from typing import Any

import pytest
from blobs import DOCUMENT, FRAME, GZIP, IDS, LABELLED, TEXT, metadata, streamed, whole
from scripted_server import Step, answer, chunks, cut, error, head, raw, reset
from serving import Serve

from healthimaging_sdk import (
    BodyCorrupt,
    BodyTruncated,
    ResourceNotFoundException,
    ResponseDecodeError,
)

PIXELS = os.urandom(5000)
HTJ2K = {"Content-Type": "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.202"}


both_ways = pytest.mark.parametrize("read", [whole, streamed])


# ── What the body may be ──────────────────────────────────────────────────────


@both_ways
@pytest.mark.parametrize(
    "step",
    [
        metadata(GZIP),
        metadata(GZIP, {"Content-Encoding": "GZIP "}),
        metadata(GZIP, {}),
        metadata(GZIP, {"Content-Encoding": "identity"}),
        metadata(TEXT, {}),
        metadata(gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:])),
        chunks(GZIP[:1], GZIP[1:], headers=LABELLED),
        chunks(GZIP[:1], GZIP[1:2], GZIP[2:]),
        chunks(TEXT[:1], TEXT[1:]),
        chunks(*(GZIP[at : at + 7] for at in range(0, len(GZIP), 7))),
        raw(head(200, LABELLED) + GZIP),
    ],
    ids=[
        "labelled",
        "labelled in capitals",
        "unlabelled",
        "wrongly labelled",
        "identity",
        "two members",
        "a first chunk of one byte",
        "a first chunk of one byte, unlabelled",
        "a first chunk of one byte, identity",
        "small chunks",
        "until the connection ends",
    ],
)
async def test_whole_and_streamed_give_the_same_document(
    serve: Serve, step: Step, read: Any
) -> None:
    _, client = await serve(step, max_attempts=1)
    assert await read(client) == TEXT


async def test_the_headers_are_kept_as_they_came(serve: Serve) -> None:
    _, client = await serve(metadata(GZIP))
    response = await client.get_image_set_metadata(*IDS)
    assert (response.content_type, response.content_encoding) == ("application/json", "gzip")
    async with client.stream_image_set_metadata(*IDS) as stream:
        assert (stream.content_type, stream.content_encoding) == ("application/json", "gzip")


async def test_an_answer_without_headers_has_none(serve: Serve) -> None:
    _, client = await serve(chunks(TEXT))
    async with client.stream_image_set_metadata(*IDS) as stream:
        assert (stream.content_type, stream.content_encoding) == (None, None)


async def test_the_document_is_parsed_on_demand(serve: Serve) -> None:
    _, client = await serve(metadata(gzip.compress(json.dumps(DOCUMENT).encode())))
    response = await client.get_image_set_metadata(*IDS)
    assert response.document() == DOCUMENT


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b'{"PatientName": NaN}', b"<html>"])
async def test_a_document_that_is_no_json_object_is_an_error(serve: Serve, text: bytes) -> None:
    _, client = await serve(metadata(gzip.compress(text)))
    response = await client.get_image_set_metadata(*IDS)
    with pytest.raises(ResponseDecodeError) as caught:
        response.document()
    assert "PatientName" not in str(caught.value)


@both_ways
@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (metadata(GZIP, {"Content-Encoding": "br"}), BodyCorrupt),
        (metadata(GZIP, {"Content-Encoding": "gzip, gzip"}), BodyCorrupt),
        (metadata(GZIP, {"Content-Encoding": "gzip", "content-encoding": "gzip"}), BodyCorrupt),
        (metadata(b""), BodyTruncated),
        (metadata(TEXT), BodyCorrupt),
        (metadata(GZIP[:-1]), BodyTruncated),
        (metadata(GZIP[:1], {}), BodyTruncated),
        (metadata(GZIP[:-1], {}), BodyTruncated),
        (metadata(GZIP[:-5] + b"!" + GZIP[-4:]), BodyCorrupt),
        (metadata(GZIP + b"\0"), BodyCorrupt),
        (metadata(GZIP + b"\n", {}), BodyCorrupt),
        (cut(GZIP, at=40, headers=LABELLED), BodyTruncated),
        (cut(GZIP, at=len(GZIP) - 1, headers=LABELLED), BodyTruncated),
        (cut(TEXT, at=40), BodyTruncated),
        (raw(head(200, {"Transfer-Encoding": "chunked"}) + b"5\r\n{...}\r\n"), BodyTruncated),
        (raw(head(200, {"Transfer-Encoding": "chunked"}) + b"5\r\n{.."), BodyTruncated),
        (raw(head(200, LABELLED) + GZIP[:-1]), BodyTruncated),
    ],
)
async def test_a_damaged_body_is_an_error_either_way(
    serve: Serve, step: Step, expected: type[Exception], read: Any
) -> None:
    server, client = await serve(step, max_attempts=1)
    with pytest.raises(expected):
        await read(client)
    assert len(server.requests) == 1


@both_ways
async def test_a_body_beyond_the_limit_is_refused_and_not_asked_for_again(
    serve: Serve, read: Any
) -> None:
    bomb = gzip.compress(b"\0" * 2**20)
    server, client = await serve(metadata(bomb), max_decoded_bytes=2**19)
    with pytest.raises(BodyCorrupt, match="524288"):
        await read(client)
    assert len(server.requests) == 1


async def test_pieces_are_small_however_much_a_chunk_inflates_to(serve: Serve) -> None:
    _, client = await serve(metadata(gzip.compress(b"\0" * 2**22)))
    async with client.stream_image_set_metadata(*IDS) as stream:
        sizes = [len(piece) async for piece in stream]
    assert sum(sizes) == 2**22
    assert max(sizes) <= 64 * 1024


async def test_an_error_is_not_followed_by_a_clean_end(serve: Serve) -> None:
    _, client = await serve(cut(GZIP, at=len(GZIP) - 1, headers=LABELLED))
    async with client.stream_image_set_metadata(*IDS) as stream:
        with pytest.raises(BodyTruncated) as first:
            await stream.read()
        with pytest.raises(BodyTruncated) as second:
            await anext(stream)
    assert second.value is first.value


# ── Retries ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "damaged",
    [
        cut(GZIP, at=100, headers=LABELLED),
        metadata(GZIP[:-3]),
        metadata(GZIP[:60] + b"?" + GZIP[61:]),
        reset,
    ],
    ids=["cut", "truncated before it was sent", "corrupt", "reset"],
)
async def test_a_damaged_document_is_read_again_as_a_whole(serve: Serve, damaged: Step) -> None:
    server, client = await serve(damaged, metadata(GZIP))
    assert await whole(client) == TEXT
    assert len(server.requests) == 2


async def test_a_stream_is_retried_until_its_head_and_never_after(serve: Serve) -> None:
    server, client = await serve(
        error(500, "InternalServerException"), cut(GZIP, at=100, headers=LABELLED)
    )
    async with client.stream_image_set_metadata(*IDS) as stream:
        with pytest.raises(BodyTruncated):
            await stream.read()
    assert len(server.requests) == 2


async def test_what_the_service_refuses_comes_before_the_block(serve: Serve) -> None:
    server, client = await serve(error(404, "ResourceNotFoundException"))
    with pytest.raises(ResourceNotFoundException):
        async with client.stream_image_set_metadata(*IDS):
            pytest.fail("there is no stream")
    assert len(server.requests) == 1


# ── Frames ────────────────────────────────────────────────────────────────────


async def test_a_frame_comes_as_it_is_stored(serve: Serve) -> None:
    _, client = await serve(answer(200, PIXELS, HTJ2K))
    response = await client.get_image_frame(*IDS, image_frame_information=FRAME)
    assert response.image_frame_blob == PIXELS
    assert response.content_type == HTJ2K["Content-Type"]
    async with client.stream_image_frame(*IDS, image_frame_information=FRAME) as stream:
        assert stream.content_type == HTJ2K["Content-Type"]
        assert await stream.read() == PIXELS


async def test_a_frame_that_looks_like_gzip_is_left_alone(serve: Serve) -> None:
    _, client = await serve(answer(200, GZIP, HTJ2K))
    response = await client.get_image_frame(*IDS, image_frame_information=FRAME)
    assert response.image_frame_blob == GZIP
    async with client.stream_image_frame(*IDS, image_frame_information=FRAME) as stream:
        assert await stream.read() == GZIP


async def test_a_frame_that_was_cut_is_read_again(serve: Serve) -> None:
    server, client = await serve(cut(PIXELS, at=4999), answer(200, PIXELS, HTJ2K))
    response = await client.get_image_frame(*IDS, image_frame_information=FRAME)
    assert response.image_frame_blob == PIXELS
    assert len(server.requests) == 2


async def test_a_frame_that_is_cut_every_time_is_an_error(serve: Serve) -> None:
    server, client = await serve(cut(PIXELS, at=4999))
    with pytest.raises(BodyTruncated):
        await client.get_image_frame(*IDS, image_frame_information=FRAME)
    assert len(server.requests) == 3
    async with client.stream_image_frame(*IDS, image_frame_information=FRAME) as stream:
        with pytest.raises(BodyTruncated):
            await stream.read()
