"""What an update may change, with and without force, and its effect on a version's content.

https://docs.aws.amazon.com/healthimaging/latest/devguide/update-image-set-metadata.html
https://docs.aws.amazon.com/healthimaging/latest/devguide/dicom-metadata-constraints.html
"""

import re
from collections.abc import Iterable, Mapping

from attrs import frozen
from pydicom import config as pydicom_config
from pydicom.valuerep import validate_value

from healthimaging_sdk.emulator._content import Content, text_of
from healthimaging_sdk.emulator._dicom.instance import MAX_LENGTHS
from healthimaging_sdk.emulator._dicom.levels import (
    NEVER_UPDATABLE,
    Level,
    is_sequence,
    is_standard,
    level_of,
    vm_is_multiple,
    vr_of,
)
from healthimaging_sdk.emulator._documents import Edit, InstanceEdit, SeriesEdit
from healthimaging_sdk.emulator._image_set import Refused
from healthimaging_sdk.metadata import Attributes, DICOMValue, Instance

UIDS = frozenset({"StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"})
FORCED_IDENTIFIERS = UIDS | {"StudyID"}

_PRIVATE = re.compile(r"[0-9A-Fa-f]{3}[13579BDFbdf][0-9A-Fa-f]{4}")
_HEX = re.compile(r"[0-9A-Fa-f]{8}")
_UID = re.compile(r"[0-9.]{1,256}", re.ASCII)
_CHECKED_AS_TEXT = frozenset(
    {"AT", "LT", "OB", "OD", "OF", "OL", "OV", "OW", "ST", "UC", "UN", "UR", "UT"}
)


@frozen(kw_only=True)
class Rules:
    force: bool
    is_primary: bool

    def check_removal(self, attribute: str, level: Level) -> None:
        self._check(attribute, level)
        if attribute in UIDS:
            raise Refused(f"{attribute} cannot be removed.")

    def check_update(self, attribute: str, level: Level, value: DICOMValue) -> None:
        self._check(attribute, level)
        if attribute in UIDS and not (isinstance(value, str) and _UID.fullmatch(value)):
            raise Refused(f"{attribute} needs a UID.")
        if not self.force and not _fits(attribute, value):
            raise Refused(f"The value of {attribute} does not fit its value representation.")

    def _check(self, attribute: str, level: Level) -> None:
        if attribute in NEVER_UPDATABLE:
            raise Refused(f"{attribute} cannot be updated.")
        if level_of(attribute) is not level:
            raise Refused(f"{_shown(attribute)} does not belong to the {level.value} level.")
        if attribute in UIDS and self.is_primary:
            raise Refused(f"{attribute} of a primary image set cannot be updated.")
        if not self.force and (reason := _needs_force(attribute)):
            raise Refused(f"{_shown(attribute)} {reason}: it can only be updated with force.")


def _shown(attribute: str) -> str:
    """An attribute's name, unless it is none: it could be a misplaced value."""
    known = is_standard(attribute) or _HEX.fullmatch(attribute)
    return attribute if known else "A non-standard attribute"


def _needs_force(attribute: str) -> str | None:
    if attribute in FORCED_IDENTIFIERS:
        return "is an identifier"
    if _PRIVATE.fullmatch(attribute):
        return "is private"
    if not is_standard(attribute):
        return "is not in the DICOM dictionary"
    if is_sequence(attribute):
        return "is a sequence"
    if vm_is_multiple(attribute):
        return "may have several values"
    return None


def _fits(attribute: str, value: DICOMValue) -> bool:
    if value is None:
        return True
    if isinstance(value, (list, dict, bool)):
        return False
    if attribute in MAX_LENGTHS:
        return isinstance(value, str) and len(value) <= MAX_LENGTHS[attribute]
    return any(_fits_vr(vr, value) for vr in (vr_of(attribute) or "UN").split(" or "))


def _fits_vr(vr: str, value: str | float) -> bool:
    if vr == "UI":
        # Leading zeros are accepted here, and not by DICOM.
        return isinstance(value, str) and _UID.fullmatch(value) is not None
    if vr in _CHECKED_AS_TEXT:
        return isinstance(value, str)
    try:
        validate_value(vr, value, pydicom_config.RAISE)
    except ValueError:
        return False
    return True


# ── The effect ────────────────────────────────────────────────────────────────


def edited(content: Content, removals: Edit, updates: Edit, rules: Rules) -> Content:
    """The content after the removals and then the updates. Raises `Refused`."""
    removed = _without(content, removals, rules)
    return _with(removed, updates, rules)


def _without(content: Content, edit: Edit, rules: Rules) -> Content:
    series = _series_edit(content, edit)
    if any(each.is_whole for each in edit.series.values()):
        raise Refused("A series cannot be removed.")
    for level, attributes in _levels(edit, series):
        for attribute in attributes:
            rules.check_removal(attribute, level)
    instances = dict(content.instances)
    for uid, each in series.instances.items():
        if uid not in instances:
            raise Refused("The instance is not in the image set.")
        if not each.is_whole:
            instances[uid] = _instance_without(instances[uid], each, rules)
        elif rules.force:
            del instances[uid]
        else:
            raise Refused("An instance can only be removed with force.")
    if not instances:
        raise Refused("The last instance cannot be removed: delete the image set.")
    return Content(
        patient=_dropped(content.patient, edit.patient),
        study=_dropped(content.study, edit.study),
        series=_dropped(content.series, series.attributes),
        instances=instances,
    )


def _instance_without(instance: Instance, edit: InstanceEdit, rules: Rules) -> Instance:
    for attribute in edit.attributes:
        rules.check_removal(attribute, Level.INSTANCE)
    left = instance.copy()
    left["DICOM"] = _dropped(instance["DICOM"], edit.attributes)
    vrs = instance.get("DICOMVRs", {})
    left["DICOMVRs"] = {tag: vr for tag, vr in vrs.items() if tag not in edit.attributes}
    return left


def _with(content: Content, edit: Edit, rules: Rules) -> Content:
    series = _series_edit(content, edit)
    for level, attributes in _levels(edit, series):
        for attribute, value in attributes.items():
            rules.check_update(attribute, level, value)
    instances = dict(content.instances)
    for uid, each in series.instances.items():
        if uid not in content.instances:
            raise Refused("The instance is not in the image set.")
        changed = _instance_with(instances.pop(uid), each, rules)
        # The document names the instance by its old UID, and may give it a new one.
        new_uid = text_of(changed["DICOM"].get("SOPInstanceUID")) or uid
        if new_uid in instances:
            raise Refused("The image set has an instance of that SOPInstanceUID.")
        instances[new_uid] = changed
    return Content(
        patient={**content.patient, **edit.patient},
        study={**content.study, **edit.study},
        series={**content.series, **series.attributes},
        instances=instances,
    )


def _instance_with(instance: Instance, edit: InstanceEdit, rules: Rules) -> Instance:
    vrs = {**instance.get("DICOMVRs", {}), **edit.vrs}
    for attribute, value in edit.attributes.items():
        rules.check_update(attribute, Level.INSTANCE, value)
        if _PRIVATE.fullmatch(attribute) and attribute not in vrs:
            raise Refused(f"{attribute} is new: its value representation is needed in DICOMVRs.")
    if not edit.vrs.keys() <= edit.attributes.keys():
        raise Refused("DICOMVRs names an attribute that DICOM does not.")
    changed = instance.copy()
    changed["DICOM"] = {**instance["DICOM"], **edit.attributes}
    if vrs:
        changed["DICOMVRs"] = vrs
    return changed


def _series_edit(content: Content, edit: Edit) -> SeriesEdit:
    """The edit of the one series that an image set has."""
    if edit.series.keys() - {content.series_uid}:
        raise Refused("The series is not in the image set.")
    return edit.series.get(content.series_uid, SeriesEdit())


def _levels(edit: Edit, series: SeriesEdit) -> Iterable[tuple[Level, Attributes]]:
    yield Level.PATIENT, edit.patient
    yield Level.STUDY, edit.study
    yield Level.SERIES, series.attributes


def _dropped(attributes: Attributes, named: Mapping[str, object]) -> Attributes:
    return {name: value for name, value in attributes.items() if name not in named}
