"""Where a call can stand when it is cut: held there for as long as a test wants."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from attrs import field, frozen
from sample_calls import DATASTORE, OK, CallIt, copy, get, image_set, update
from scripted_server import Connection, Received, ScriptedServer, Step, answer, error, head, silence
from serving import CREDENTIALS, Serve

from healthimaging_sdk import Credentials, HealthImagingClient, Outcome


@frozen
class Phase:
    name: str
    outcome: Outcome
    """What is known of the request of a call that is cut here."""

    steps: tuple[Step, ...] = ()
    call: CallIt = get
    settings: dict[str, Any] = field(factory=dict[str, Any])
    blocked_by: CallIt | None = None
    """A call before, that keeps this one waiting and is not cut."""

    blocker: Step = OK
    slow_credentials: bool = False


@frozen
class Held:
    """A call that has come as far as its phase, and will stay there."""

    phase: Phase
    server: ScriptedServer
    client: HealthImagingClient
    task: "asyncio.Task[object]"
    blocker: "asyncio.Task[object] | None"
    release: asyncio.Event
    """Lets the call before, and slow credentials, come to their end."""


async def settle() -> None:
    """Returns when nothing more can happen without the passing of time."""
    await asyncio.sleep(1e-6)


@frozen
class Slow:
    """Credentials that do not come before they are released."""

    release: asyncio.Event

    async def get(self) -> Credentials:
        await self.release.wait()
        return CREDENTIALS


async def half_a_body(connection: Connection, received: Received) -> None:
    await connection.send(head(200, {"Content-Length": "100"}) + b'{"datastore')
    await silence(connection, received)


FAILED = error(500, "InternalServerException")
CONFLICT = error(409, "ConflictException")

CREDENTIALS_ASKED = Phase("credentials", Outcome.NOT_SENT, slow_credentials=True)
QUEUE = Phase(
    "queue for the pace",
    Outcome.NOT_SENT,
    call=update,
    settings={"pacing": "published"},
    blocked_by=update,
    blocker=image_set(),
)
POOL = Phase("queue for a connection", Outcome.NOT_SENT, blocked_by=get)
CONNECTING = Phase(
    "connecting", Outcome.UNKNOWN, settings={"scheme": "https", "connect_timeout": 1000}
)
HEAD = Phase("waiting for the head", Outcome.UNKNOWN, (silence,))
COPY_HEAD = Phase("waiting for a copy's head", Outcome.UNKNOWN, (silence,), copy)
BODY = Phase("reading the body", Outcome.UNKNOWN, (half_a_body,))
BACKOFF = Phase("backoff", Outcome.UNKNOWN, (FAILED,))
LOOK = Phase("looking into a conflict", Outcome.REJECTED, (CONFLICT, silence), update)
LOCKED = Phase("waiting for a lock", Outcome.REJECTED, (CONFLICT, image_set("LOCKED")), update)

PHASES = (
    CREDENTIALS_ASKED,
    QUEUE,
    POOL,
    CONNECTING,
    HEAD,
    COPY_HEAD,
    BODY,
    BACKOFF,
    LOOK,
    LOCKED,
)


@asynccontextmanager
async def held(serve: Serve, phase: Phase, **settings: Any) -> AsyncGenerator[Held, None]:
    """The call in its phase, with a client that has one connection. Everything else succeeds."""
    release = asyncio.Event()

    async def blocker_answer(connection: Connection, received: Received) -> None:
        if phase is POOL:
            await release.wait()
        await phase.blocker(connection, received)

    steps = (blocker_answer, *phase.steps) if phase.blocked_by else phase.steps
    limits: dict[str, Any] = {
        "pool_size": 1,
        "read_timeout": 1000,
        **phase.settings,
        **settings,
    }
    if phase.slow_credentials:
        limits["credentials"] = Slow(release)
    server, client = await serve(*steps, answer(body=DATASTORE), **limits)
    blocker = asyncio.ensure_future(phase.blocked_by(client)) if phase.blocked_by else None
    if blocker:
        await settle()
    task = asyncio.ensure_future(phase.call(client))
    await settle()
    assert not task.done()
    yield Held(phase, server, client, task, blocker, release)
    release.set()
    if blocker:
        await asyncio.wait([blocker])
