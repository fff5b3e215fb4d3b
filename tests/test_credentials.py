"""Credentials from botocore's real chain: shared, refreshed in time, and never shown (R-11)."""

import asyncio
import logging
import pprint
import traceback
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path

import aws_sources
import pytest
from attrs import define
from aws_sources import HOUR, SECRET, CredentialProcess, Sources

from healthimaging_sdk._credentials import BotocoreCredentials, CredentialProvider, Credentials
from healthimaging_sdk._settings import open_settings
from healthimaging_sdk.errors import ClientClosed, CredentialError, ParamValidationError

IN_ADVISORY_WINDOW = 12 * 60.0
IN_MANDATORY_WINDOW = 5 * 60.0

Way = Callable[[pytest.MonkeyPatch, Path, Sources], None]


@define
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    aws_sources.isolate(monkeypatch, tmp_path)


@pytest.fixture
def sources() -> Iterator[Sources]:
    with Sources() as running:
        yield running


@pytest.fixture
async def process(tmp_path: Path) -> AsyncGenerator[CredentialProcess]:
    prepared = CredentialProcess(tmp_path)
    yield prepared
    # Here, because the event loop waits for its threads before it closes.
    prepared.end()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def provider(clock: Clock) -> BotocoreCredentials:
    settings = await open_settings(region="us-east-1", endpoint_url="http://127.0.0.1:1")
    return BotocoreCredentials(settings.open_profile, region="us-east-1", clock=clock)


@pytest.fixture
def way(
    request: pytest.FixtureRequest,
    sources: Sources,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    prepare: Way = request.param
    prepare(monkeypatch, tmp_path, sources)


async def all_of(provider: BotocoreCredentials, tasks: int = 100) -> list[Credentials]:
    return await asyncio.gather(*(provider.get() for _ in range(tasks)))


async def failures_of(
    provider: BotocoreCredentials, tasks: int = 100
) -> list[Credentials | BaseException]:
    gets = (provider.get() for _ in range(tasks))
    return await asyncio.gather(*gets, return_exceptions=True)


async def background_work() -> None:
    """Returns when nothing but the test itself is under way."""
    if others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)


# ── The value ─────────────────────────────────────────────────────────────────


def test_credentials_show_four_characters_of_their_id_and_no_secret() -> None:
    credentials = Credentials("AKIAIOSFODNN7EXAMPLE", f"{SECRET}-key", f"{SECRET}-token")
    shown = [repr(credentials), str(credentials), f"{credentials}", pprint.pformat([credentials])]
    for text in shown:
        assert "'***MPLE'" in text
        assert "7EXAMPLE" not in text
        assert SECRET not in text
    assert not hasattr(credentials, "__dict__")


@pytest.mark.parametrize("field", ["access_key_id", "secret_access_key", "session_token"])
@pytest.mark.parametrize("value", ["", "a\n", "a\r\nX-Evil: 1", "a b", "a\x00", "é", b"a", 5])
def test_malformed_credentials_are_refused_unseen(field: str, value: object) -> None:
    members: dict[str, object] = {"access_key_id": "a", "secret_access_key": "b", field: value}
    with pytest.raises(ParamValidationError, match=f"^{field}: must be ") as caught:
        Credentials(**members)  # type: ignore[arg-type]  # that is the point
    assert not value or repr(value) not in str(caught.value)


async def test_credentials_provide_themselves() -> None:
    credentials = Credentials("AKIA", "key")
    provider: CredentialProvider = credentials
    assert await provider.get() is credentials


# ── Every way to credentials ──────────────────────────────────────────────────


@pytest.mark.parametrize("way", aws_sources.WAYS, indirect=True)
async def test_every_way_leads_to_credentials_and_shows_no_secret(
    way: None, sources: Sources, provider: BotocoreCredentials, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    first = await provider.get()
    requests = list(sources.requests)
    again = await all_of(provider)

    assert "SERVED" in first.access_key_id
    assert first.secret_access_key == f"{SECRET}-key"
    assert first.session_token == f"{SECRET}-token"
    assert {first} == set(again)
    assert sources.requests == requests
    assert SECRET not in caplog.text


async def test_other_users_of_botocore_keep_their_logs(
    sources: Sources,
    provider: BotocoreCredentials,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    aws_sources.shared_file(monkeypatch, tmp_path, sources)
    await provider.get()
    caplog.set_level(logging.DEBUG)
    logging.getLogger("botocore.endpoint").debug("somebody else's request")
    assert "somebody else's request" in caplog.text


async def test_an_expired_token_makes_even_cached_roles_be_assumed_anew(
    sources: Sources,
    provider: BotocoreCredentials,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    aws_sources.assumed_role(monkeypatch, tmp_path, sources)
    expired = await provider.get()
    assert await provider.refresh(expired) != expired
    assert sources.requests == ["AssumeRole", "AssumeRole"]


# ── Nobody waits in vain ──────────────────────────────────────────────────────


async def test_a_hundred_tasks_share_one_lookup(
    process: CredentialProcess, provider: BotocoreCredentials
) -> None:
    process.will_answer(HOUR)
    assert len(set(await all_of(provider))) == 1
    assert len(set(await all_of(provider))) == 1
    assert process.calls == 1


async def test_the_event_loop_runs_while_a_process_makes_up_its_mind(
    process: CredentialProcess, provider: BotocoreCredentials
) -> None:
    process.will_answer(HOUR)
    process.hold()
    waiting = asyncio.create_task(provider.get())
    await asyncio.to_thread(process.wait_until_held)
    # This line is reached because the event loop ran while the process was held.
    assert not waiting.done()
    await asyncio.to_thread(process.release)
    assert (await waiting).access_key_id == "ASIAPROCESS1"


async def test_who_stops_waiting_does_not_stop_the_lookup(
    process: CredentialProcess, provider: BotocoreCredentials
) -> None:
    process.will_answer(HOUR)
    process.hold()
    impatient, patient = (asyncio.create_task(provider.get()) for _ in range(2))
    await asyncio.to_thread(process.wait_until_held)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    await asyncio.to_thread(process.release)
    assert (await patient).access_key_id == "ASIAPROCESS1"
    assert process.calls == 1


async def test_closing_ends_the_wait_of_all_who_wait(
    process: CredentialProcess, provider: BotocoreCredentials
) -> None:
    process.will_answer(HOUR)
    process.hold()
    waiting = [asyncio.create_task(provider.get()) for _ in range(3)]
    await asyncio.to_thread(process.wait_until_held)
    await provider.aclose()
    for task in waiting:
        with pytest.raises(ClientClosed):
            await task
    await asyncio.to_thread(process.release)
    await provider.aclose()


# ── Refresh in time ───────────────────────────────────────────────────────────
# What botocore finds in a window, it fetches again at once: hence two answers before the third.


async def test_old_credentials_serve_while_new_ones_are_fetched_ahead_of_time(
    process: CredentialProcess, provider: BotocoreCredentials
) -> None:
    process.will_answer(IN_ADVISORY_WINDOW, IN_ADVISORY_WINDOW, HOUR)
    old = await provider.get()
    process.hold()

    assert set(await all_of(provider)) == {old}
    await asyncio.to_thread(process.wait_until_held)
    assert set(await all_of(provider)) == {old}
    await asyncio.to_thread(process.release)
    await background_work()

    assert (await provider.get()).access_key_id == "ASIAPROCESS3"
    assert process.calls == 3


async def test_a_failure_ahead_of_time_is_no_failure_yet(
    process: CredentialProcess, provider: BotocoreCredentials, clock: Clock
) -> None:
    process.will_answer(IN_ADVISORY_WINDOW, IN_ADVISORY_WINDOW)
    old = await provider.get()
    for minute in range(3):
        clock.now = minute * 60.0
        for _ in range(2):
            assert set(await all_of(provider)) == {old}
            await background_work()
            assert process.calls == 3 + minute


async def test_credentials_about_to_expire_are_replaced_before_they_are_given_out(
    process: CredentialProcess, provider: BotocoreCredentials
) -> None:
    process.will_answer(IN_MANDATORY_WINDOW, IN_MANDATORY_WINDOW, HOUR)
    await provider.get()
    new = set(await all_of(provider))
    assert {credentials.access_key_id for credentials in new} == {"ASIAPROCESS3"}
    assert process.calls == 3


async def test_short_lived_credentials_are_not_fetched_for_every_request(
    process: CredentialProcess, provider: BotocoreCredentials, clock: Clock
) -> None:
    process.will_answer(*[IN_MANDATORY_WINDOW] * 4)
    await provider.get()
    for _ in range(3):
        assert (await provider.get()).access_key_id == "ASIAPROCESS3"
    clock.now = 60.0
    assert (await provider.get()).access_key_id == "ASIAPROCESS4"


async def test_a_failure_is_everybodys_for_a_second(
    process: CredentialProcess, provider: BotocoreCredentials, clock: Clock
) -> None:
    process.will_answer(IN_MANDATORY_WINDOW, IN_MANDATORY_WINDOW)
    await provider.get()

    failures = await failures_of(provider) + await failures_of(provider)
    assert {type(failure) for failure in failures} == {CredentialError}
    assert len(set(map(id, failures))) == len(failures)
    assert process.calls == 3

    clock.now = 1.0
    process.will_answer(HOUR)
    assert (await provider.get()).access_key_id == "ASIAPROCESS4"


async def test_expired_credentials_are_looked_up_once_for_all(
    process: CredentialProcess, provider: BotocoreCredentials
) -> None:
    process.will_answer(None, None, None)
    first = await provider.get()

    second = await asyncio.gather(*(provider.refresh(first) for _ in range(100)))
    assert {credentials.access_key_id for credentials in second} == {"ASIAPROCESS2"}
    assert await provider.refresh(first) == await provider.get() == second[0]
    assert process.calls == 2

    assert (await provider.refresh(second[0])).access_key_id == "ASIAPROCESS3"


async def test_expired_credentials_that_are_all_there_is_are_not_looked_up_in_a_loop(
    process: CredentialProcess, provider: BotocoreCredentials, clock: Clock
) -> None:
    process.will_answer(None)
    for call in (2, 3):
        process.will_print((process.folder / "answer-1").read_bytes(), call)
    expired = await provider.get()
    for _ in range(3):
        assert await provider.refresh(expired) == expired
    assert process.calls == 2
    clock.now = 1.0
    assert await provider.refresh(expired) == expired
    assert process.calls == 3


# ── Failures ──────────────────────────────────────────────────────────────────


async def test_no_credentials_at_all_say_how_to_give_some(provider: BotocoreCredentials) -> None:
    with pytest.raises(CredentialError, match="no credentials found: pass `credentials`, set AWS_"):
        await provider.get()


async def test_half_a_key_names_the_missing_half(
    provider: BotocoreCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    with pytest.raises(CredentialError, match="AWS_SECRET_ACCESS_KEY"):
        await provider.get()


async def test_a_profile_that_does_not_exist_is_named(
    provider: BotocoreCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(CredentialError, match="nobody"):
        await provider.get()


async def test_a_refusal_of_sts_is_named_without_its_text(
    sources: Sources,
    provider: BotocoreCredentials,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    aws_sources.assumed_role(monkeypatch, tmp_path, sources)
    sources.refuses = True
    with pytest.raises(CredentialError, match=r"AssumeRole answered AccessDenied$") as caught:
        await provider.get()
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "output",
    [
        b"",
        b'{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "s3cr3t',
        b'["s3cr3t"]',
        b'{"Version": 1, "SecretAccessKey": "s3cr3t"}',
        b'{"Version": "s3cr3t"}',
        b"\xff s3cr3t",
        b'{"Version": 1, "AccessKeyId": "s3cr3t\\n", "SecretAccessKey": "b"}',
        b'{"Version": 1, "AccessKeyId": "s3cr3t", "SecretAccessKey": 5}',
        b'{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b", "Expiration": "s3cr3t"}',
        b'{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b", "Expiration": ["s3cr3t"]}',
    ],
)
async def test_an_unusable_answer_is_a_credential_error_without_its_content(
    output: bytes, process: CredentialProcess, provider: BotocoreCredentials
) -> None:
    process.will_print(output)
    with pytest.raises(CredentialError, match=r"^credentials could not be loaded: ") as caught:
        await provider.get()
    shown = "".join(traceback.TracebackException.from_exception(caught.value).format(chain=True))
    assert SECRET not in shown + repr(caught.value) + repr(vars(caught.value))
    assert caught.value.__cause__ is caught.value.__context__ is None


async def test_a_failing_process_keeps_its_last_words(
    process: CredentialProcess, provider: BotocoreCredentials, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    process.will_answer(IN_MANDATORY_WINDOW, IN_MANDATORY_WINDOW)
    await provider.get()
    with pytest.raises(CredentialError) as caught:
        await provider.get()
    assert SECRET not in str(caught.value)
    assert "failed during mandatory refresh period" in caplog.text
    assert SECRET not in caplog.text
