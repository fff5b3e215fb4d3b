"""The door to `botocore.session`: what the shared files say, and where credentials come from.

All of it blocks, on files, processes, STS, SSO or instance metadata: import this module and
call what is in it in a worker thread only.
"""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from botocore.credentials import RefreshableCredentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from botocore.session import Session

from healthimaging_sdk._credentials import Credentials, Loaded
from healthimaging_sdk.errors import CredentialError, ParamValidationError

NO_CREDENTIALS = (
    "no credentials found: pass `credentials`, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
    "or choose a profile that has some"
)

# What botocore's sources raise, on unreadable files, dead endpoints, and answers that are not
# what they should be.
_FAILURES = (
    BotoCoreError,
    ClientError,
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)

# Their texts name profiles and variables, never a file's content or a service's answer.
_PLAIN_SPOKEN = (
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)


class Profile:
    """A profile of the shared files; they are read once, and again when credentials fail."""

    def __init__(self, name: str | None = None) -> None:
        self._name = name
        self._session = Session(profile=name)

    def text(self, key: str) -> str | None:
        """A setting of the profile. Raises `ParamValidationError` for files that it is not in."""
        value = self._settings().get(key)
        return value if isinstance(value, str) and value else None

    def endpoint_url(self) -> str | None:
        """The endpoint of this service, else that of every service.

        https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
        """
        section = self.text("services")
        if section is not None:
            try:
                service = self._session.full_config["services"][section].get("medical_imaging", {})
            except KeyError:
                reason = "names a section of the shared configuration that does not exist"
                raise ParamValidationError("services", reason) from None
            if url := service.get("endpoint_url"):
                return str(url)
        return self.text("endpoint_url")

    def _settings(self) -> dict[str, object]:
        try:
            return self._session.get_scoped_config()
        except ProfileNotFound:
            reason = "is not in the shared configuration files"
            raise ParamValidationError("profile", reason) from None
        except BotoCoreError:
            reason = "the shared configuration files cannot be parsed"
            raise ParamValidationError("profile", reason) from None

    def load_credentials(self, region: str | None, *, anew: bool) -> Loaded | CredentialError:
        """Credentials that are valid now: what botocore holds, refreshed where it is due.

        With `anew`, nothing that it holds is trusted. `region` is where STS is asked.
        """
        with _without_secrets_in_logs():
            try:
                if anew:
                    self._session = Session(profile=self._name)
                return _load(self._session, region)
            except _FAILURES as error:
                # Returned, not raised: an error chained to botocore's would carry its secrets.
                return CredentialError(f"credentials could not be loaded: {_reason(error)}")


def _load(session: Session, region: str | None) -> Loaded | CredentialError:
    if region is not None:
        session.set_config_variable("region", region)
    source = session.get_credentials()
    if source is None:
        return CredentialError(NO_CREDENTIALS)
    frozen = source.get_frozen_credentials()
    credentials = Credentials(
        frozen.access_key or "", frozen.secret_key or "", frozen.token or None
    )
    due = source.refresh_needed if isinstance(source, RefreshableCredentials) else _never
    return Loaded(credentials, due)


def _never(_: int) -> bool:
    return False


def _reason(error: BaseException) -> str:
    if isinstance(error, _PLAIN_SPOKEN):
        return str(error)
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "an error")
        return f"{error.operation_name} answered {code}"
    return type(error).__name__


# ── Logs (rule R-23) ──────────────────────────────────────────────────────────

# At DEBUG these write requests and answers that hold tokens and keys.
_TALKATIVE = (
    "botocore.auth",
    "botocore.credentials",
    "botocore.endpoint",
    "botocore.hooks",
    "botocore.httpsession",
    "botocore.parsers",
    "botocore.regions",
    "botocore.tokens",
    "botocore.utils",
    "urllib3.connectionpool",
)

_ours: ContextVar[bool] = ContextVar("loading credentials for healthimaging_sdk", default=False)


class _NoSecrets(logging.Filter):
    """Silences what botocore does for us, and nothing that others do with botocore."""

    def filter(self, record: logging.LogRecord) -> bool:
        if _ours.get():
            # The error behind a warning can quote the answer that could not be read.
            record.exc_info = None
            return record.levelno > logging.DEBUG
        return True


_no_secrets = _NoSecrets()
for _name in _TALKATIVE:
    logging.getLogger(_name).addFilter(_no_secrets)


@contextmanager
def _without_secrets_in_logs() -> Generator[None]:
    token = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(token)
