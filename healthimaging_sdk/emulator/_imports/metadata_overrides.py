"""Metadata that an import job takes from DICOM JSON files, over that of the DICOM files.

https://docs.aws.amazon.com/healthimaging/latest/devguide/start-dicom-import-job.html
https://dicom.nema.org/medical/dicom/current/output/chtml/part18/chapter_F.html

The service's pages do not say how the files look. Here one holds a data set, or a list of data
sets. A data set with a SOPInstanceUID is about that instance, one without about all of its
mapping; an attribute replaces the file's. The three UIDs stay as they are in the DICOM file.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from attrs import evolve, field, frozen
from pydicom.datadict import keyword_for_tag

from healthimaging_sdk._json import NotJSON, loads
from healthimaging_sdk.emulator._dicom.instance import DicomInstance, by_level
from healthimaging_sdk.emulator._dicom.levels import Level, vm_is_multiple
from healthimaging_sdk.emulator._dicom.values import PIXEL_KEYWORDS
from healthimaging_sdk.import_jobs import DicomMetadataMapping, ImportConfiguration
from healthimaging_sdk.metadata import Attributes, DICOMValue

_NOT_REPLACED = frozenset(
    {"StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", *PIXEL_KEYWORDS}
)
_NUMBERS_AS_TEXT = frozenset({"DS", "IS"})


class ImportJobFailed(Exception):
    """The job as a whole fails, with this message."""


@frozen
class _DataSet:
    mapping: DicomMetadataMapping
    attributes: Attributes = field(repr=False)
    vrs: Mapping[str, str]

    def is_about(self, instance: DicomInstance) -> bool:
        about = (
            (self.mapping.study_instance_uid, instance.study_instance_uid),
            (self.mapping.series_instance_uid, instance.series_instance_uid),
            (self.attributes.get("SOPInstanceUID"), instance.sop_instance_uid),
        )
        return all(wanted is None or wanted == actual for wanted, actual in about)


@frozen
class MetadataOverrides:
    files: frozenset[Path] = frozenset()
    """The metadata files: they are not imported themselves."""
    data_sets: tuple[_DataSet, ...] = ()

    @classmethod
    def load(
        cls, folder: Path | None, configuration: ImportConfiguration | None
    ) -> "MetadataOverrides":
        """Read the files that the configuration names, relative to the folder of the input."""
        json_metadata = configuration and configuration.dicom_json_metadata_import_configuration
        if not json_metadata or not folder:
            return cls()
        files: set[Path] = set()
        data_sets: list[_DataSet] = []
        for mapping in json_metadata.dicom_metadata_mappings:
            path = folder.joinpath(mapping.metadata_file_path).resolve()
            if not path.is_relative_to(folder) or not path.is_file():
                raise ImportJobFailed("DICOM import job has failed. A metadata file is missing.")
            files.add(path)
            data_sets += _read(path, mapping)
        return cls(frozenset(files), tuple(data_sets))

    def applied_to(self, instance: DicomInstance) -> DicomInstance:
        for data_set in self.data_sets:
            if data_set.is_about(instance):
                instance = _replaced(instance, data_set)
        return instance


def _replaced(instance: DicomInstance, data_set: _DataSet) -> DicomInstance:
    replacing = {
        key: value for key, value in data_set.attributes.items() if key not in _NOT_REPLACED
    }
    levels = by_level(replacing)
    return evolve(
        instance,
        patient={**instance.patient, **levels[Level.PATIENT]},
        study={**instance.study, **levels[Level.STUDY]},
        series={**instance.series, **levels[Level.SERIES]},
        instance={**instance.instance, **levels[Level.INSTANCE]},
        vrs={**instance.vrs, **data_set.vrs},
    )


def _read(path: Path, mapping: DicomMetadataMapping) -> list[_DataSet]:
    try:
        parsed = loads(path.read_bytes())
        data_sets: list[_DataSet] = []
        for each in cast("list[object]", parsed) if isinstance(parsed, list) else [parsed]:
            vrs: dict[str, str] = {}
            data_sets.append(_DataSet(mapping, _attributes(each, vrs), vrs))
    except (NotJSON, OSError, ValueError, TypeError, LookupError, RecursionError):
        # Their messages can quote the file.
        raise ImportJobFailed(
            "DICOM import job has failed. A metadata file is not DICOM JSON."
        ) from None
    return data_sets


def _attributes(data_set: object, vrs: dict[str, str]) -> Attributes:
    if not isinstance(data_set, dict):
        raise TypeError
    attributes: Attributes = {}
    for tag, element in cast("dict[str, dict[str, object]]", data_set).items():
        vr = str(element["vr"])
        key = keyword_for_tag(int(tag, 16))
        if not key:
            key = tag.upper()
            vrs.setdefault(key, vr)
        attributes[key] = _value(key, vr, element, vrs)
    return attributes


def _value(key: str, vr: str, element: dict[str, object], vrs: dict[str, str]) -> DICOMValue:
    if "InlineBinary" in element:
        return str(element["InlineBinary"])
    given = cast("list[object]", element.get("Value") or [])
    values = [_single(vr, each, vrs) for each in given]
    if not values:
        return None
    return values if vr == "SQ" or len(values) > 1 or vm_is_multiple(key) else values[0]


def _single(vr: str, value: object, vrs: dict[str, str]) -> DICOMValue:
    if vr == "SQ":
        return _attributes(value, vrs)
    if vr == "PN" and isinstance(value, dict):
        names = cast("dict[str, str]", value)
        groups = (names.get(each, "") for each in ("Alphabetic", "Ideographic", "Phonetic"))
        return "=".join(groups).rstrip("=")
    if vr in _NUMBERS_AS_TEXT:
        return str(value)
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError
