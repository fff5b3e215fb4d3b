"""AWS HealthImaging on your own machine: all 18 operations on one loopback port.

    async with Emulator(buckets={"input": folder, "output": other}) as emulator:
        emulator.endpoint_url, emulator.credentials

`with` instead of `async with` runs it in a thread, for code that is not asynchronous. It shares
the descriptions of the operations with the client and nothing else: it never imports the client.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from healthimaging_sdk.emulator._emulator import Emulator
    from healthimaging_sdk.emulator._faults import Fault, FaultKind
    from healthimaging_sdk.emulator._journal import JournalEntry
    from healthimaging_sdk.emulator._limits import Durations, Quotas
    from healthimaging_sdk.emulator._samples import sample_datasets
    from healthimaging_sdk.emulator._storage.folder import DataFolderError

__all__ = [
    "DataFolderError",
    "Durations",
    "Emulator",
    "Fault",
    "FaultKind",
    "JournalEntry",
    "Quotas",
    "sample_datasets",
]

_HOMES = {
    "DataFolderError": "_storage.folder",
    "Durations": "_limits",
    "Emulator": "_emulator",
    "Fault": "_faults",
    "FaultKind": "_faults",
    "JournalEntry": "_journal",
    "Quotas": "_limits",
    "sample_datasets": "_samples",
}
_EXTRA = frozenset({"imagecodecs", "numpy", "pydicom"})


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        home = import_module(f"{__name__}.{_HOMES[name]}")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _EXTRA:
            raise
        raise ModuleNotFoundError(
            f"the emulator needs {missing}: pip install 'healthimaging-sdk[emulator]'", name=missing
        ) from None
    return getattr(home, name)
