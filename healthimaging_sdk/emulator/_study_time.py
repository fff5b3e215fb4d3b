"""When a study was made, as a number to compare: of an image set, and of a search's values."""

import re

from healthimaging_sdk.errors import ValidationException
from healthimaging_sdk.search import DICOMStudyDateAndTime

_DATE = re.compile(r"\d{8}", re.ASCII)
_TIME = re.compile(r"(\d{2})(\d{2})?(\d{2})?(?:\.(\d+))?", re.ASCII)


def study_moment(date: str, time: str) -> int | None:
    """Of a study's DICOM date and time; `None` without a readable date."""
    plain_time = time.replace(":", "")  # both separators are of the days before DICOM 3
    return _moment(date.replace(".", ""), plain_time if _TIME.fullmatch(plain_time) else "00")


def moment_of_query(value: DICOMStudyDateAndTime) -> int:
    """Of a search's value; without a time it is midnight."""
    moment = _moment(value.dicom_study_date, value.dicom_study_time or "00")
    if moment is None:
        raise ValidationException("A study date is yyyyMMdd and a study time HHmmss.FFFFFF.")
    return moment


def _moment(date: str, time: str) -> int | None:
    """Digits in the order of weight, down to microseconds: not a calendar's count."""
    parts = _TIME.fullmatch(time)
    if not _DATE.fullmatch(date) or parts is None:
        return None
    hours, minutes, seconds, fraction = (part or "" for part in parts.groups())
    return int(f"{date}{hours:0<2}{minutes:0<2}{seconds:0<2}{fraction[:6]:0<6}")
