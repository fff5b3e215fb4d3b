"""Work that comes to no end: because it breaks, or because the emulator stops or is killed."""

from collections.abc import Generator
from contextlib import contextmanager

from attrs import evolve

from healthimaging_sdk.emulator._events import tell_of_datastore, tell_of_image_set, tell_of_job
from healthimaging_sdk.emulator._image_set import INTERRUPTED, ImageSet
from healthimaging_sdk.emulator._state import Datastore, State
from healthimaging_sdk.import_jobs import JobStatus


@contextmanager
def settling(state: State, *records: Datastore | ImageSet) -> Generator[None]:
    """Whatever they are in the middle of when the block ends, in whatever way, has failed."""
    try:
        yield
    finally:
        _abandon(state, *records)


def abandon_everything(state: State) -> None:
    """What is under way, and nobody is at work on any more, ends here."""
    for datastore in state.datastores.values():
        if datastore.is_under_way:
            _abandon(state, datastore)
        _abandon(state, *(each for each in datastore.image_sets.values() if each.is_locked))
        for job in datastore.running_jobs():
            failed = evolve(
                job,
                job_status=JobStatus.FAILED,
                message=f"DICOM import job has failed. {INTERRUPTED}",
                ended_at=state.now(),
            )
            state.put_job(failed)
            tell_of_job(state, datastore, failed)


def _abandon(state: State, *records: Datastore | ImageSet) -> None:
    ended = [each for each in records if each.abandon(state.now())]
    state.changed(*records)
    for each in ended:
        if isinstance(each, ImageSet):
            tell_of_image_set(state, each)
        else:
            tell_of_datastore(state, each)
