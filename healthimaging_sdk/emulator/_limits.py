"""What the emulator's user may set: how long things take, and how much is allowed.

https://docs.aws.amazon.com/healthimaging/latest/devguide/endpoints-quotas.html
"""

from typing import Any, TypeGuard

from attrs import Attribute, field, frozen


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a number that can be reckoned with, whoever sent it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return -(10**9) < value < 10**9


def _not_negative(_: object, attribute: "Attribute[Any]", seconds: object) -> None:
    if not is_number(seconds) or seconds < 0:
        raise ValueError(f"{attribute.name}: must be seconds, at least 0")


@frozen(kw_only=True)
class Durations:
    """Seconds that each kind of background work takes at least."""

    copy: float = field(default=0.1, validator=_not_negative)
    update: float = field(default=0.1, validator=_not_negative)
    delete: float = field(default=0.1, validator=_not_negative)
    import_job: float = field(default=0.1, validator=_not_negative)
    """In each of a job's two phases, SUBMITTED and IN_PROGRESS."""
    datastore: float = field(default=0.1, validator=_not_negative)

    @classmethod
    def all(cls, seconds: float) -> "Durations":
        return cls(
            copy=seconds, update=seconds, delete=seconds, import_job=seconds, datastore=seconds
        )


@frozen(kw_only=True)
class Quotas:
    """The service's default quotas; concurrent ones count per data store."""

    datastores: int = 100
    tags_per_resource: int = 50
    concurrent_copies: int = 100
    concurrent_updates: int = 100
    concurrent_deletions: int = 100
    concurrent_import_jobs: int = 100
    frames_per_copy: int = 1_000
    update_payload_bytes: int = 10 * 1024
    metadata_bytes: int = 50 * 1024**2
    """Of an image set's metadata document, not compressed, after an import, a copy or an update."""
    files_per_import_job: int = 5_000
    folders_per_import_job: int = 10_000
    bytes_per_import_job: int = 10 * 1024**3
    bytes_per_file: int = 10 * 1024**3
    days_jobs_are_listed: float = 90
    """After their end; then they are archived."""

    @classmethod
    def of(cls, region: str) -> "Quotas":
        return cls(concurrent_import_jobs=20) if region == "ap-southeast-2" else cls()
