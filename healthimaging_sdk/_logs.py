"""What the client logs, on the logger `healthimaging_sdk`: facts, and nothing that was said.

No record has an id of the account's, a URL, or a text of the service's; AWS's request id names
the rest to AWS. Each fact is an attribute of the record too, after `PREFIX`: a record factory of
the application may own the short names, and then logging itself would raise.
"""

import logging
from functools import partial
from typing import Any

from healthimaging_sdk.errors import HealthImagingError
from healthimaging_sdk.reports import AttemptReport, error_code

PREFIX = "healthimaging_"

_log = logging.getLogger("healthimaging_sdk")


attempts_are_logged = partial(_log.isEnabledFor, logging.DEBUG)


def attempt_ended(attempt: AttemptReport) -> None:
    _log.debug(
        "%s: attempt %d: %s in %.3f s (request %s)",
        attempt.operation_name,
        attempt.number,
        attempt.error_code or attempt.status_code,
        attempt.seconds,
        attempt.request_id or "without id",
        extra=_facts(
            operation=attempt.operation_name,
            attempt=attempt.number,
            seconds=attempt.seconds,
            status_code=attempt.status_code,
            error_code=attempt.error_code,
            request_id=attempt.request_id,
        ),
    )


def retrying(operation_name: str, attempt: int, error: HealthImagingError, seconds: float) -> None:
    code = error_code(error)
    _log.info(
        "%s: attempt %d failed (%s), the next one in %.2f s",
        operation_name,
        attempt,
        code,
        seconds,
        extra=_facts(operation=operation_name, attempt=attempt, error_code=code, delay=seconds),
    )


def waiting_for_lock(operation_name: str, seconds: float) -> None:
    _log.info(
        "%s: an image set is locked, the next look in %.2f s",
        operation_name,
        seconds,
        extra=_facts(operation=operation_name, delay=seconds),
    )


def pacing_began(operation_name: str, per_second: float) -> None:
    _log.info(
        "%s: throttled, paced from now on, at first %g per second",
        operation_name,
        per_second,
        extra=_facts(operation=operation_name, per_second=per_second),
    )


def clock_corrected(seconds: float) -> None:
    _log.warning(
        "this machine's clock is wrong: the service's is ahead of it by %.0f s",
        seconds,
        extra=_facts(skew=seconds),
    )


def _facts(**facts: object) -> dict[str, Any]:
    return {PREFIX + name: value for name, value in facts.items()}
