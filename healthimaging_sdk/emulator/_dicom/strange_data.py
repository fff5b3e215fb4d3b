"""What pydicom and imagecodecs do with data that they do not understand, kept in bounds."""

import logging
import re
import struct
import warnings
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from pydicom.errors import BytesLengthException, InvalidDicomError

DATA_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
    BytesLengthException,
    InvalidDicomError,
)
"""Damaged data makes pydicom raise any of these; programs that we write raise them by mistake
only, so catch them around as little as possible."""

_ABOUT_PYDICOM = ("ignore", None, Warning, re.compile("pydicom"), 0)
_quiet: ContextVar[bool] = ContextVar("quiet", default=False)


@contextmanager
def quietly() -> Generator[None]:
    """Keep pydicom from telling logs and warnings what it reads: it quotes values of patients."""
    # `catch_warnings` is for one thread only: it would lose filters that another one sets.
    if _ABOUT_PYDICOM not in warnings.filters:
        warnings.filterwarnings("ignore", module="pydicom")
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)


def _may_be_logged(_: logging.LogRecord) -> bool:
    return not _quiet.get()


logging.getLogger("pydicom").addFilter(_may_be_logged)
