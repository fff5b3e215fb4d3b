"""Credentials, and everything botocore knows about finding them, without stopping the event loop.

Importing this module imports nothing of botocore's: the session is opened in a worker thread.
"""

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any, Protocol, Self

from attrs import Attribute, field, frozen

from healthimaging_sdk._redaction import redacted
from healthimaging_sdk.errors import ClientClosed, CredentialError, Outcome, ParamValidationError

ADVISORY_SECONDS = 15 * 60
"""So long before they expire, credentials are refreshed while they are still used (R-11)."""

MANDATORY_SECONDS = 10 * 60
"""So long before they expire, calls wait for new ones, as in botocore."""

PAUSE_SECONDS = 60.0
"""Credentials that are shorter-lived than the windows are not fetched anew for every request."""

FAILURE_SECONDS = 1.0
"""So long a failure is the answer to everybody, and a forced refresh is not forced again."""


def _last_four(access_key_id: str) -> str:
    return f"'***{access_key_id[-4:]}'"


# They become header values; a stray line end or space would only show as a wrong signature.
def _printable(_: Any, attribute: "Attribute[Any]", value: object) -> None:
    if not isinstance(value, str):
        problem = f"must be a str, not {type(value).__name__}"
        raise ParamValidationError(attribute.name, problem)
    if not re.fullmatch("[!-~]+", value):
        problem = "must be printable ASCII without spaces, and not empty"
        raise ParamValidationError(attribute.name, problem)


def _printable_if_any(_: Any, attribute: "Attribute[Any]", value: object) -> None:
    if value is not None:
        _printable(_, attribute, value)


@frozen
class Credentials:
    """An access key. No secret is ever shown; the key's id by its last four characters (R-23)."""

    access_key_id: str = field(validator=_printable, repr=_last_four)
    secret_access_key: str = field(validator=_printable, repr=redacted)
    session_token: str | None = field(default=None, validator=_printable_if_any, repr=redacted)

    async def get(self) -> Self:
        """These, always: an access key is the simplest `CredentialProvider`."""
        return self


class CredentialProvider(Protocol):
    """Anything that has credentials to give, asked before each attempt of each request."""

    async def get(self) -> Credentials:
        """Raises `CredentialError` where there are none."""
        ...


@frozen(eq=False, repr=False)
class Loaded:
    credentials: Credentials
    due: Callable[[int], bool]
    """Whether the credentials expire within so many seconds; asks nobody and never blocks."""


class CredentialSource(Protocol):
    """Where `BotocoreCredentials` looks: `_profile.Profile`, which blocks."""

    def load_credentials(self, region: str | None, *, anew: bool) -> Loaded | CredentialError: ...


class BotocoreCredentials:
    """Environment, shared files, SSO, web identity, roles, processes, containers, instances.

    One refresh at a time, in a worker thread, for all who ask; nobody who stops waiting stops
    it. `open_profile` is called in that thread. `clock` tells monotonic seconds.
    """

    def __init__(
        self,
        open_profile: Callable[[], CredentialSource],
        *,
        region: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open_profile = open_profile
        self._region = region
        self._clock = clock
        self._refreshing: asyncio.Task[Loaded | CredentialError] | None = None
        self._loaded: Loaded | None = None
        self._fresh_until = self._rest_until = float("-inf")
        self._failure: CredentialError | None = None
        self._failed_at = float("-inf")
        self._in_vain: Credentials | None = None
        self._in_vain_at = float("-inf")

    async def get(self) -> Credentials:
        """Valid credentials: at once while they last, else after a refresh that all share."""
        loaded = self._loaded
        if loaded is None:
            return await self._refreshed()
        now = self._clock()
        # Asked once a second, because botocore's answer costs half as much as a signature.
        if now >= self._fresh_until:
            if loaded.due(ADVISORY_SECONDS):
                return await self._get_while_due(loaded)
            self._fresh_until = now + 1.0
        return loaded.credentials

    async def _get_while_due(self, loaded: Loaded) -> Credentials:
        if loaded.due(0):
            return await self._refreshed()
        if self._clock() < self._rest_until:
            return loaded.credentials
        if loaded.due(MANDATORY_SECONDS):
            return await self._refreshed()
        if self._since(self._failed_at) >= FAILURE_SECONDS:
            self._refresh()
        return loaded.credentials

    async def refresh(self, expired: Credentials) -> Credentials:
        """Credentials other than those that the service called expired, if there are any.

        Everything is looked up anew, unless that has happened since they were given out.
        """
        if self._is_refreshing():
            await self._refreshed()
        if self._loaded is not None and self._loaded.credentials != expired:
            return await self.get()
        if self._in_vain == expired and self._since(self._in_vain_at) < FAILURE_SECONDS:
            return expired
        return await self._refreshed(expired)

    async def aclose(self) -> None:
        """Ends a refresh that is under way; those who wait for it get `ClientClosed`."""
        if self._refreshing is not None and self._is_refreshing():
            self._refreshing.cancel()
            await asyncio.wait([self._refreshing])

    def _since(self, moment: float) -> float:
        return self._clock() - moment

    def _is_refreshing(self) -> bool:
        return self._refreshing is not None and not self._refreshing.done()

    async def _refreshed(self, expired: Credentials | None = None) -> Credentials:
        if self._failure is not None and self._since(self._failed_at) < FAILURE_SECONDS:
            outcome: Loaded | CredentialError = self._failure
        else:
            refreshing = self._refresh(expired)
            # Unlike awaiting a task, waiting for it does not cancel it when we are cancelled.
            await asyncio.wait([refreshing])
            if refreshing.cancelled():
                raise ClientClosed("closed while credentials were looked up", Outcome.NOT_SENT)
            outcome = refreshing.result()
        if isinstance(outcome, CredentialError):
            # A copy, because each call writes facts of its own on its error.
            raise CredentialError(*outcome.args)
        return outcome.credentials

    def _refresh(
        self, expired: Credentials | None = None
    ) -> "asyncio.Task[Loaded | CredentialError]":
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._load(expired))
        return self._refreshing

    async def _load(self, expired: Credentials | None) -> Loaded | CredentialError:
        outcome = await asyncio.to_thread(self._load_blocking, anew=expired is not None)
        now = self._clock()
        if isinstance(outcome, CredentialError):
            self._failure, self._failed_at = outcome, now
            return outcome
        if self._loaded is not None:
            self._rest_until = now + PAUSE_SECONDS
        if outcome.credentials == expired:
            self._in_vain, self._in_vain_at = expired, now
        self._failure = None
        self._loaded = outcome
        self._fresh_until = float("-inf")
        return outcome

    def _load_blocking(self, *, anew: bool) -> Loaded | CredentialError:
        return self._open_profile().load_credentials(self._region, anew=anew)
