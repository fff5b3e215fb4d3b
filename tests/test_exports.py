"""What `from healthimaging_sdk import ...` gives, and what importing it does not bring along."""

import inspect
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from botocore import xform_name
from service_model import ENUMS, MODEL, MODELS

import healthimaging_sdk
from healthimaging_sdk import errors, operations
from healthimaging_sdk._protocol import MODELLED_ERRORS

OURS = {
    "AttemptReport",
    "BlobStream",
    "CallReport",
    "Config",
    "CredentialProvider",
    "Credentials",
    "DataStoreEvent",
    "DataStoreEventDetail",
    "Document",
    "Duration",
    "HealthImagingClient",
    "HealthImagingEvent",
    "ImageSetEvent",
    "ImageSetEventDetail",
    "ImportJobEvent",
    "ImportJobEventDetail",
    "MetadataDocument",
    "Observer",
    "Operation",
    "Outcome",
    "Pager",
    "Rate",
    "Repetition",
    "__version__",
    "parse_event",
}
ERRORS = {
    "BodyCorrupt",
    "BodyTruncated",
    "ClientClosed",
    "CredentialError",
    "DeadlineExceeded",
    "HealthImagingError",
    "PaginationError",
    "ParamValidationError",
    "ResponseDecodeError",
    "ServiceError",
    "StaleVersionError",
    "StreamStalled",
    "TransportError",
    "WaiterError",
    "WaiterFailed",
    "WaiterTimeout",
    "WriteOutcomeUnknown",
}
CARDS = {xform_name(name).upper(): name for name in MODEL.operation_names}


def test_everything_public_is_exported_and_nothing_else() -> None:
    assert set(healthimaging_sdk.__all__) == {
        *OURS,
        *ERRORS,
        *CARDS,
        *MODELS,
        *ENUMS,
        *MODELLED_ERRORS,
    }
    assert Counter(healthimaging_sdk.__all__).most_common(1)[0][1] == 1


def test_the_service_is_exported_as_a_whole() -> None:
    structures = {
        name for name in MODEL.shape_names if MODEL.shape_for(name).type_name == "structure"
    }
    enums = {name for name in MODEL.shape_names if MODEL.shape_for(name).metadata.get("enum")}
    assert (len(structures), len(enums), len(CARDS)) == (70, 9, 18)
    assert structures | enums <= set(healthimaging_sdk.__all__)


def test_the_module_exposes_what_it_exports() -> None:
    assert dir(healthimaging_sdk) == sorted(healthimaging_sdk.__all__)
    for name in healthimaging_sdk.__all__:
        assert getattr(healthimaging_sdk, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        healthimaging_sdk.no_such_name  # noqa: B018


@pytest.mark.parametrize("name", list(CARDS))
def test_a_card_is_named_after_its_operation(name: str) -> None:
    assert getattr(healthimaging_sdk, name) is operations.BY_NAME[CARDS[name]]


def test_every_error_is_one_of_ours() -> None:
    raised = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, Exception)
    }
    assert raised == ERRORS | set(MODELLED_ERRORS)
    for name in raised:
        assert issubclass(getattr(errors, name), errors.HealthImagingError)
        assert getattr(errors, name).__doc__


def test_a_class_says_where_it_can_be_imported_from() -> None:
    """As pickles and tracebacks name it."""
    for name in healthimaging_sdk.__all__:
        value = getattr(healthimaging_sdk, name)
        if inspect.isclass(value):
            assert getattr(sys.modules[value.__module__], name) is value


def test_the_package_is_typed() -> None:
    assert Path(healthimaging_sdk.__file__).with_name("py.typed").exists()


@pytest.mark.parametrize(
    "module",
    [
        "boto3",
        "botocore.client",
        "botocore.session",
        "healthimaging_sdk._profile",
        "healthimaging_sdk._streams",
        "healthimaging_sdk.blobs",
        "healthimaging_sdk.copies",
        "healthimaging_sdk.datastores",
        "healthimaging_sdk.deletions",
        "healthimaging_sdk.emulator",
        "healthimaging_sdk.events",
        "healthimaging_sdk.import_jobs",
        "healthimaging_sdk.search",
        "healthimaging_sdk.tags",
        "healthimaging_sdk.updates",
        "healthimaging_sdk.versions",
        "healthimaging_sdk.waiters",
        "imagecodecs",
        "isal",
        "numpy",
        "opentelemetry",
        "pydicom",
        "pytest",
        "tenacity",
    ],
)
def test_importing_the_client_brings_no(module: str, imported: frozenset[str]) -> None:
    assert "healthimaging_sdk.client" in imported
    assert module not in imported


@pytest.fixture(scope="module")
def imported() -> frozenset[str]:
    return modules_after("from healthimaging_sdk import HealthImagingClient")


COLLECTIONS = """
import gc
import healthimaging_sdk
gc.collect()
gc.callbacks.append(lambda phase, _: print("collected"))
healthimaging_sdk.HealthImagingClient, healthimaging_sdk.CopyImageSetRequest
gc.callbacks.clear()
assert gc.isenabled()
"""


def test_importing_the_client_costs_no_collection() -> None:
    assert "collected" not in modules_after(COLLECTIONS)


TYPES = """
from typing import get_type_hints
from healthimaging_sdk import HealthImagingClient
answer = get_type_hints(HealthImagingClient.get_dicom_import_job)["return"]
assert answer.__name__ == "GetDICOMImportJobResponse"
"""


def test_the_types_of_a_method_bring_its_family() -> None:
    """Sphinx, pydantic and FastAPI ask for them so."""
    assert "healthimaging_sdk.import_jobs" in modules_after(TYPES)


@pytest.mark.parametrize("module", ["aiohttp", "botocore", "tenacity"])
def test_a_model_is_imported_without(module: str) -> None:
    assert module not in modules_after("from healthimaging_sdk import GetImageSetResponse")


def modules_after(statements: str) -> frozenset[str]:
    """The modules of a fresh interpreter that has run the statements."""
    code = f"{statements}\nimport sys; print(*sys.modules)"
    run = [sys.executable, "-W", "error", "-c", code]
    return frozenset(subprocess.run(run, check=True, capture_output=True, text=True).stdout.split())
