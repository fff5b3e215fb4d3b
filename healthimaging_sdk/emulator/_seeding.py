"""Image sets straight from data sets: what an import would make of them, without files."""

import copy
from collections.abc import Iterable, Iterator
from io import BytesIO

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from healthimaging_sdk.datastores import DatastoreStatus, LosslessStorageFormat
from healthimaging_sdk.emulator._dicom.instance import UnreadableFile, read_instance
from healthimaging_sdk.emulator._dicom.strange_data import DATA_ERRORS, quietly
from healthimaging_sdk.emulator._imports.placing import Arrival, Group, grouped, place_at_once
from healthimaging_sdk.emulator._state import Datastore, State
from healthimaging_sdk.emulator.datastores import make_active
from healthimaging_sdk.errors import ParamValidationError


def read_groups(datasets: Iterable[Dataset], storage_format: LosslessStorageFormat) -> list[Group]:
    """What will be image sets, in the order of first arrival. The data sets stay as they are."""
    return grouped(_arrivals(datasets, storage_format))


def _arrivals(
    datasets: Iterable[Dataset], storage_format: LosslessStorageFormat
) -> Iterator[Arrival]:
    for number, dataset in enumerate(datasets):
        name = f"datasets[{number}]"
        try:
            yield Arrival(name, read_instance(_as_file(dataset), storage_format))
        except UnreadableFile as error:
            raise ParamValidationError(name, error.message) from None
        except DATA_ERRORS as error:
            # Without its message, which quotes the data set.
            reason = f"cannot be written as DICOM ({type(error).__name__})"
            raise ParamValidationError(name, reason) from None


def _as_file(dataset: Dataset) -> bytes:
    """As an import would find it, so that both read the same."""
    # pydicom settles ambiguous value representations in the data set that it writes.
    whole = copy.deepcopy(dataset)
    if not hasattr(whole, "file_meta"):
        whole.file_meta = FileMetaDataset()
    if "TransferSyntaxUID" not in whole.file_meta:
        whole.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = BytesIO()
    with quietly():
        whole.save_as(file, enforce_file_format=True)
    return file.getvalue()


def chosen_datastore(state: State, datastore_id: str | None) -> Datastore:
    """The one that is named, or the first that is ACTIVE, or a new one."""
    if datastore_id is not None:
        return state.active_datastore(datastore_id)
    active = (each for each in state.datastores.values() if each.status == DatastoreStatus.ACTIVE)
    return next(active, None) or make_active(state, "seeded")


def place_all(state: State, datastore: Datastore, groups: Iterable[Group]) -> list[str]:
    """The ids of the image sets, by group."""
    return [place_at_once(state, datastore, group).image_set.id for group in groups]
