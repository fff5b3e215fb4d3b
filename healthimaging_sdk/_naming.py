"""How an attribute is called on the wire: one rule, and the few names that break it.

Attributes are named as botocore's `xform_name` names members; this is the way back.
"""

from collections.abc import Mapping

from attrs import Attribute

_WIRE_NAME = "wire_name"


def to_wire(name: str) -> str:
    """The member's name in AWS's model.

    >>> to_wire("image_set_id"), to_wire("dicom_study_id"), to_wire("study_instance_uid")
    ('imageSetId', 'DICOMStudyId', 'studyInstanceUID')
    """
    first, *rest = name.split("_")
    words = ["DICOM" if first == "dicom" else first]
    words += ["UID" if word == "uid" else word.capitalize() for word in rest]
    return "".join(words)


def wire(name: str) -> Mapping[str, str]:
    """Field metadata for a member whose wire name the rule does not give."""
    return {_WIRE_NAME: name}


def wire_name(attribute: "Attribute[object]") -> str:
    return str(attribute.metadata.get(_WIRE_NAME) or to_wire(attribute.name))
