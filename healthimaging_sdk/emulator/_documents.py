"""The JSON documents of updates and copies, read and checked for their form.

What is malformed is refused at once (ValidationException); whether it fits an image set is
decided later, by `_update_rules` and `_copy_rules`.

https://docs.aws.amazon.com/healthimaging/latest/devguide/update-image-set-metadata.html
"""

from collections.abc import Iterable, Mapping
from typing import cast

from attrs import field, frozen

from healthimaging_sdk._json import NotJSON, loads
from healthimaging_sdk.errors import ValidationException
from healthimaging_sdk.metadata import Attributes, DICOMValue

Object = Mapping[str, object]

# More than sequences in sequences ever need; what is stored has to be written as JSON again.
DEEPEST = 100


@frozen
class InstanceEdit:
    attributes: Attributes
    vrs: Mapping[str, str]

    @property
    def is_whole(self) -> bool:
        """Nothing of the instance is named: it is meant as a whole."""
        return not self.attributes and not self.vrs


@frozen
class SeriesEdit:
    attributes: Attributes = field(factory=dict[str, DICOMValue])
    instances: Mapping[str, InstanceEdit] = field(factory=dict[str, InstanceEdit])

    @property
    def is_whole(self) -> bool:
        return not self.attributes and not self.instances


@frozen
class Edit:
    """What a document names, by level; series and instances by their present UIDs."""

    patient: Attributes = field(factory=dict[str, DICOMValue])
    study: Attributes = field(factory=dict[str, DICOMValue])
    series: Mapping[str, SeriesEdit] = field(factory=dict[str, SeriesEdit])

    def of_the_study(self) -> "Edit":
        """The part that concerns every image set of the study."""
        return Edit(patient=self.patient, study=self.study)


def read_edit(document: bytes | None) -> Edit:
    if document is None:
        return Edit()
    top = _object(_parse(document), "the document", {"SchemaVersion", "Patient", "Study"})
    _check_schema_version(top)
    patient = _member(top, "Patient", {"DICOM"})
    study = _member(top, "Study", {"DICOM", "Series"})
    series = _member(study, "Series")
    return Edit(
        patient=_attributes(patient),
        study=_attributes(study),
        series={uid: _series_edit(value) for uid, value in series.items()},
    )


def _series_edit(value: object) -> SeriesEdit:
    series = _object(value, "a series", {"DICOM", "Instances"})
    instances: dict[str, InstanceEdit] = {}
    for uid, each in _member(series, "Instances").items():
        instance = _object(each, "an instance", {"DICOM", "DICOMVRs"})
        vrs = _member(instance, "DICOMVRs")
        if not all(isinstance(vr, str) for vr in vrs.values()):
            raise ValidationException("A value representation in DICOMVRs is not a string.")
        instances[uid] = InstanceEdit(
            _attributes(instance), {tag: str(vr) for tag, vr in vrs.items()}
        )
    return SeriesEdit(_attributes(series), instances)


def read_selection(document: str) -> Mapping[str, frozenset[str]]:
    """The SOP instances that a copy is limited to, by series."""
    top = _object(_parse(document.encode()), "the document", {"SchemaVersion", "Study"})
    _check_schema_version(top)
    selection: dict[str, frozenset[str]] = {}
    for uid, value in _member(_member(top, "Study", {"Series"}), "Series").items():
        series = _object(value, "a series", {"Instances"})
        instances = _member(series, "Instances")
        for each in instances.values():
            _object(each, "an instance", set())
        selection[uid] = frozenset(instances)
    if not any(selection.values()):
        raise ValidationException("The document selects no instance.")
    return selection


def _parse(document: bytes) -> object:
    try:
        parsed = loads(document)
    except NotJSON:
        raise ValidationException("The document is not JSON.") from None
    if not _is_within(parsed, DEEPEST):
        raise ValidationException("The document is nested too deeply.")
    return parsed


def _is_within(value: object, levels: int) -> bool:
    match value:
        case dict():
            below: Iterable[object] = cast("Object", value).values()
        case list():
            below = cast("list[object]", value)
        case _:
            return True
    return levels > 0 and all(_is_within(each, levels - 1) for each in below)


def _object(value: object, what: str, allowed: set[str] | None = None) -> Object:
    if not isinstance(value, dict):
        raise ValidationException(f"{what.capitalize()} is not a JSON object.")
    found = cast("Object", value)  # JSON has only strings for keys
    if allowed is not None and not allowed.issuperset(found):
        # The stranger is not named: a misplaced value could be a patient's.
        known = ", ".join(sorted(allowed)) or "nothing"
        raise ValidationException(f"{what.capitalize()} may hold {known}, and has something else.")
    return found


def _member(value: Object, name: str, allowed: set[str] | None = None) -> Object:
    return _object(value.get(name, {}), name, allowed)


def _attributes(level: Object) -> Attributes:
    return cast("Attributes", dict(_member(level, "DICOM")))  # any JSON value may stand for one


def _check_schema_version(top: Object) -> None:
    # A number in AWS's command line examples, a string in its viewers.
    if top.get("SchemaVersion", "1.1") not in (1.1, "1.1"):
        raise ValidationException("SchemaVersion is not 1.1.")
