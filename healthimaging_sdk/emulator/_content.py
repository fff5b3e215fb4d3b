"""What a version of an image set holds: attributes by level, and instances."""

import json
from collections.abc import Iterator, Mapping
from functools import cached_property

from attrs import evolve, frozen

from healthimaging_sdk.emulator._study_time import study_moment
from healthimaging_sdk.metadata import Attributes, DICOMValue, Instance, MetadataDocument
from healthimaging_sdk.search import DICOMTags


def text_of(value: DICOMValue) -> str:
    """A single text without the padding that the document keeps; empty for anything else."""
    return value.strip(" \0") if isinstance(value, str) else ""


@frozen(eq=False, slots=False)
class Content:
    """Never changed in place: versions share it, and it remembers what it worked out."""

    patient: Attributes
    study: Attributes
    series: Attributes
    instances: Mapping[str, Instance]

    @cached_property
    def study_uid(self) -> str:
        return text_of(self.study.get("StudyInstanceUID"))

    @cached_property
    def series_uid(self) -> str:
        return text_of(self.series.get("SeriesInstanceUID"))

    @cached_property
    def study_key(self) -> tuple[str, ...]:
        """What the image sets of a study have in common, for an import to add to them."""
        return (
            text_of(self.study.get("StudyDate")),
            text_of(self.study.get("AccessionNumber")),
            text_of(self.patient.get("PatientID")),
            self.study_uid,
            text_of(self.study.get("StudyID")),
        )

    @property
    def series_number(self) -> str:
        return text_of(self.series.get("SeriesNumber"))

    @cached_property
    def study_moment(self) -> int | None:
        return study_moment(
            text_of(self.study.get("StudyDate")), text_of(self.study.get("StudyTime"))
        )

    @cached_property
    def tags(self) -> DICOMTags:
        """What a search tells of it."""
        number = self.series_number
        return DICOMTags(
            dicom_patient_id=text_of(self.patient.get("PatientID")) or None,
            dicom_patient_name=text_of(self.patient.get("PatientName")) or None,
            dicom_patient_birth_date=text_of(self.patient.get("PatientBirthDate")) or None,
            dicom_patient_sex=text_of(self.patient.get("PatientSex")) or None,
            dicom_study_instance_uid=self.study_uid or None,
            dicom_study_id=text_of(self.study.get("StudyID")) or None,
            dicom_study_description=text_of(self.study.get("StudyDescription")) or None,
            dicom_number_of_study_related_series=1,
            dicom_number_of_study_related_instances=len(self.instances),
            dicom_accession_number=text_of(self.study.get("AccessionNumber")) or None,
            dicom_series_instance_uid=self.series_uid or None,
            dicom_series_modality=text_of(self.series.get("Modality")) or None,
            dicom_series_body_part=text_of(self.series.get("BodyPartExamined")) or None,
            # A number of many digits could not be told in the answer's integer.
            dicom_series_number=int(number) if _is_short_number(number) else None,
            dicom_study_date=text_of(self.study.get("StudyDate")) or None,
            dicom_study_time=text_of(self.study.get("StudyTime")) or None,
        )

    def frame_ids(self) -> Iterator[str]:
        for instance in self.instances.values():
            for frame in instance.get("ImageFrames", ()):
                yield frame["ID"]

    @cached_property
    def size(self) -> int:
        """Bytes of the document."""
        return len(encoded(self.document("0" * 32, "0" * 32)))

    def with_instances(self, instances: Mapping[str, Instance]) -> "Content":
        return evolve(self, instances=instances)

    def document(self, datastore_id: str, image_set_id: str) -> MetadataDocument:
        return {
            "SchemaVersion": "1.1",
            "DatastoreID": datastore_id,
            "ImageSetID": image_set_id,
            "Patient": {"DICOM": self.patient},
            "Study": {
                "DICOM": self.study,
                "Series": {
                    self.series_uid: {"DICOM": self.series, "Instances": dict(self.instances)}
                },
            },
        }


def encoded(document: MetadataDocument) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _is_short_number(text: str) -> bool:
    return text.isascii() and text.removeprefix("-").isdigit() and len(text) <= 10
