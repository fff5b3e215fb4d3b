"""Attributes are named as botocore names members; `to_wire` is the way back."""

import attrs
import pytest
from service_model import MODELS

from healthimaging_sdk._naming import to_wire, wire_name


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("force", "force"),
        ("image_set_id", "imageSetId"),
        ("dicom_study_id", "DICOMStudyId"),
        ("dicom_study_instance_uid", "DICOMStudyInstanceUID"),
        ("study_instance_uid", "studyInstanceUID"),
        ("input_s3_uri", "inputS3Uri"),
        ("dicom_tags", "DICOMTags"),
    ],
)
def test_the_rule(name: str, wire: str) -> None:
    assert to_wire(name) == wire


def test_three_members_break_the_rule() -> None:
    rebels = {
        f"{model.__name__}.{attribute.name}": wire_name(attribute)
        for model in MODELS.values()
        for attribute in attrs.fields(model)
        if wire_name(attribute) != to_wire(attribute.name)
    }
    marked = {
        f"{model.__name__}.{attribute.name}"
        for model in MODELS.values()
        for attribute in attrs.fields(model)
        if attribute.metadata
    }
    assert rebels == {
        "ImageSetProperties.image_set_workflow_status": "ImageSetWorkflowStatus",
        "DicomJsonMetadataImportConfiguration.dicom_metadata_mappings": "dicomMetadataMappings",
        "ImportConfiguration.dicom_json_metadata_import_configuration": (
            "dicomJsonMetadataImportConfiguration"
        ),
    }
    assert marked == set(rebels)
