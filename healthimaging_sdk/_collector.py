"""The garbage collector, held off while much is made and hardly any of it is garbage."""

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def collector_held_off() -> Generator[None]:
    """For a parse or an import. The collector would look through all that they make, many times.

    Of parsing 20 MB that takes three quarters of the time, of importing the client a fifteenth.
    A parse keeps the interpreter to itself. During an import other threads may run, which go
    without a collection then, for some tenths of a second in the life of a process.
    """
    was_enabled = gc.isenabled()
    try:
        gc.disable()
        yield
    finally:
        if was_enabled:
            _pass_over_new_objects()
            gc.enable()


def _pass_over_new_objects() -> None:
    """Into the oldest generation with them: the next collection would visit each one otherwise.

    A process that has frozen objects itself keeps them frozen, and pays for the visit.
    """
    if gc.get_freeze_count() == 0:
        gc.freeze()
        gc.unfreeze()
