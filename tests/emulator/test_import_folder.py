"""Import jobs' files: what is read from a bucket's folder, and what is written to another's."""

import json
import os
import shutil
from pathlib import Path

import pydicom
import pytest
from dicom_files import SERIES, STUDY, instance_uid, write_instance

from healthimaging_sdk import (
    DicomJsonMetadataImportConfiguration,
    DicomMetadataMapping,
    ImportConfiguration,
)
from healthimaging_sdk.emulator._dicom.data_warnings import DataWarning, Reason
from healthimaging_sdk.emulator._imports.folder import (
    Failure,
    FileResult,
    ImportLimitExceeded,
    Success,
    read_folder,
)
from healthimaging_sdk.emulator._imports.metadata_overrides import ImportJobFailed
from healthimaging_sdk.emulator._imports.output import (
    Failed,
    GeneratedImageSet,
    Imported,
    JobOutput,
    job_folder_uri,
    write_output,
)
from healthimaging_sdk.emulator._limits import Quotas

WHEEL = Path(pydicom.__file__).parent / "data" / "test_files"


def keys(results: list[FileResult]) -> list[str]:
    return [each.input_key for each in results]


# ── Reading ───────────────────────────────────────────────────────────────────


def test_every_file_below_the_prefix_is_read_in_the_order_of_keys(tmp_path: Path) -> None:
    write_instance(tmp_path / "in" / "deep" / "er", 2)
    write_instance(tmp_path / "in", 1)
    write_instance(tmp_path / "out", 3)
    (tmp_path / "in" / ".hidden").write_text("no DICOM")
    (tmp_path / "in" / "DEEP").write_text("no DICOM")
    results = list(read_folder(tmp_path, "in/"))
    assert keys(results) == [
        "in/.hidden",
        f"in/{instance_uid(1)}.dcm",
        "in/DEEP",
        f"in/deep/er/{instance_uid(2)}.dcm",
    ]
    assert [isinstance(each, Success) for each in results] == [False, True, False, True]
    failure, success, *_ = results
    assert isinstance(failure, Failure)
    assert isinstance(success, Success)
    assert failure.exception_type == "ValidationException"
    assert failure.message == "DICOM attributes does not exist"
    assert success.instance.sop_instance_uid == instance_uid(1)


def test_without_a_prefix_the_whole_bucket_is_read(tmp_path: Path) -> None:
    write_instance(tmp_path, 1)
    write_instance(tmp_path / "folder", 2)
    assert len(list(read_folder(tmp_path, ""))) == 2


@pytest.mark.parametrize("prefix", ["no/such/folder/", "../", "in/../../", "a\0b"])
def test_where_the_bucket_has_nothing_nothing_is_read(tmp_path: Path, prefix: str) -> None:
    bucket = tmp_path / "bucket"
    bucket.mkdir()
    write_instance(tmp_path, 1)
    assert list(read_folder(bucket, prefix)) == []


def test_a_prefix_from_the_root_is_one_of_the_bucket(tmp_path: Path) -> None:
    write_instance(tmp_path / "in", 1)
    assert len(list(read_folder(tmp_path, "/in"))) == 1
    assert list(read_folder(tmp_path, "/etc")) == []


def test_links_out_of_the_bucket_are_refused(tmp_path: Path) -> None:
    outside = write_instance(tmp_path / "outside", 1)
    bucket = tmp_path / "bucket"
    inside = write_instance(bucket, 2)
    (bucket / "inner").symlink_to(inside)
    (bucket / "outer").symlink_to(outside)
    (bucket / "folder").symlink_to(outside.parent, target_is_directory=True)
    (bucket / "broken").symlink_to(tmp_path / "nothing")
    results = {each.input_key: each for each in read_folder(bucket, "")}
    assert set(results) == {inside.name, "inner", "outer"}
    assert isinstance(results["inner"], Success)
    outer = results["outer"]
    assert isinstance(outer, Failure)
    assert outer.exception_type == "AccessDeniedException"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes")
def test_what_is_no_file_is_no_object(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert list(read_folder(tmp_path, "")) == []


def test_more_files_than_a_job_may_have_fail_it(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        (tmp_path / str(number)).touch()
    quotas = Quotas(files_per_import_job=2)
    with pytest.raises(
        ImportLimitExceeded, match=r"^DICOM import job has failed\. FILE_COUNTS_LIMIT_EXCEEDED"
    ):
        read_folder(tmp_path, "", quotas=quotas)
    (tmp_path / "3").unlink()
    assert len(list(read_folder(tmp_path, "", quotas=quotas))) == 2


def test_more_bytes_or_folders_than_a_job_may_have_fail_it(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(10 * 1024**3 + 1)
    with pytest.raises(ImportLimitExceeded, match="FILE_SIZES_LIMIT_EXCEEDED"):
        read_folder(tmp_path, "")
    with pytest.raises(ImportLimitExceeded, match="NESTED_FOLDERS_LIMIT_EXCEEDED"):
        read_folder(tmp_path, "", quotas=Quotas(folders_per_import_job=1))


def test_a_file_that_is_too_large_fails_alone(tmp_path: Path) -> None:
    small = write_instance(tmp_path, 1)
    write_instance(tmp_path, 2, ImageComments="x" * 1000)
    quotas = Quotas(bytes_per_file=small.stat().st_size)
    success, failure = read_folder(tmp_path, "", quotas=quotas)
    assert isinstance(success, Success)
    assert isinstance(failure, Failure)
    assert failure.message == f"The file is larger than {small.stat().st_size} bytes"


def test_files_are_read_only_as_their_results_are_taken(tmp_path: Path) -> None:
    paths = [write_instance(tmp_path, number) for number in range(10, 40)]
    results = read_folder(tmp_path, "", threads=1)
    assert next(results).input_key == paths[0].name
    for path in paths:
        path.write_bytes(b"")
    assert sum(isinstance(each, Failure) for each in results) > 20


def test_the_pydicom_wheel_is_imported_but_for_what_cannot_be_read(tmp_path: Path) -> None:
    """Damaged files and files that are no DICOM are results like others."""
    shutil.copytree(WHEEL, tmp_path / "in")
    results = list(read_folder(tmp_path, "in"))
    assert len(results) == sum(each.is_file() for each in WHEEL.rglob("*"))
    failures = [each for each in results if isinstance(each, Failure)]
    assert 20 < len(failures) < 50
    assert all(each.message for each in failures)


# ── Metadata from DICOM JSON ──────────────────────────────────────────────────


def configuration(*mappings: DicomMetadataMapping) -> ImportConfiguration:
    return ImportConfiguration(
        dicom_json_metadata_import_configuration=DicomJsonMetadataImportConfiguration(
            dicom_metadata_mappings=list(mappings)
        )
    )


def mapping(file: str, series: str | None = None) -> DicomMetadataMapping:
    return DicomMetadataMapping(
        study_instance_uid=STUDY, series_instance_uid=series, metadata_file_path=file
    )


METADATA = {
    "0020000D": {"vr": "UI", "Value": [STUDY]},
    "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Roe^Richard", "Ideographic": "X"}]},
    "00101010": {"vr": "AS", "Value": ["054Y"]},
    "00081030": {"vr": "LO"},
    "00080060": {"vr": "CS", "Value": ["MR"]},
    "00281050": {"vr": "DS", "Value": [40]},
    "00191001": {"vr": "OB", "InlineBinary": "AQI="},
    "00081140": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.2"]}}]},
}


def test_metadata_files_replace_what_the_dicom_files_say(tmp_path: Path) -> None:
    write_instance(tmp_path / "in", 1)
    (tmp_path / "in" / "metadata.json").write_text(json.dumps(METADATA))
    results = list(
        read_folder(tmp_path, "in", configuration=configuration(mapping("metadata.json")))
    )
    (result,) = results
    assert isinstance(result, Success)
    instance = result.instance
    assert instance.patient["PatientName"] == "Roe^Richard=X"
    assert instance.patient["PatientID"] == "P-1", "not in the metadata file"
    assert instance.study["PatientAge"] == "054Y"
    assert instance.study["StudyDescription"] is None
    assert instance.series["Modality"] == "MR"
    assert instance.instance["WindowCenter"] == ["40"]
    assert instance.instance["00191001"] == "AQI="
    assert instance.vrs["00191001"] == "OB"
    assert instance.instance["ReferencedImageSequence"] == [{"ReferencedSOPInstanceUID": "1.2"}]


def test_a_data_set_may_be_about_one_series_or_one_instance(tmp_path: Path) -> None:
    write_instance(tmp_path, 1)
    write_instance(tmp_path, 2)
    comment = {"00204000": {"vr": "LT", "Value": ["of the second"]}}
    second = {"00080018": {"vr": "UI", "Value": [instance_uid(2)]}, **comment}
    (tmp_path / "a.json").write_text(json.dumps([second]))
    (tmp_path / "b.json").write_text(json.dumps(METADATA))
    mappings = configuration(mapping("a.json", SERIES), mapping("b.json", "1.2.3"))
    comments = [
        each.instance.instance.get("ImageComments")
        for each in read_folder(tmp_path, "", configuration=mappings)
        if isinstance(each, Success) and each.instance.patient["PatientName"] == "Doe^Jane"
    ]
    assert comments == [None, "of the second"]


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("missing.json", None),
        ("../outside.json", "{}"),
        ("m.json", "no JSON"),
        ("m.json", "[1]"),
        ("m.json", '{"PatientName": {"vr": "PN"}}'),
        ("m.json", '{"00100010": "Doe"}'),
        ("m.json", '{"00100010": {"vr": "LO", "Value": 7}}'),
        ("m.json", '{"00100010": {"vr": "LO", "Value": [{}]}}'),
    ],
)
def test_a_metadata_file_that_cannot_be_used_fails_the_job(
    tmp_path: Path, file: str, content: str | None
) -> None:
    bucket = tmp_path / "bucket"
    write_instance(bucket, 1)
    if content is not None:
        (bucket / file).write_text(content)
    with pytest.raises(ImportJobFailed, match=r"^DICOM import job has failed\. A metadata file"):
        read_folder(bucket, "", configuration=configuration(mapping(file)))


# ── Writing ───────────────────────────────────────────────────────────────────

DATASTORE, JOB = "1" * 32, "2" * 32


def job_output(**changes: object) -> JobOutput:
    offsets = DataWarning(Reason.FRAMES_EXTRACTION_FAILURE, "The frames cannot be told apart.")
    values: dict[str, object] = {
        "job_id": JOB,
        "datastore_id": DATASTORE,
        "input_s3_uri": "s3://input/p",
        "output_s3_uri": "s3://output/q/r",
        "imported": (
            Imported("p/1.dcm", "a" * 32, True),
            Imported("p/2", "a" * 32, True, (offsets,)),
        ),
        "failed": (
            Failed("p/3", "ValidationException", "DICOM attributes does not exist"),
            Failed("p/4", "InternalServerException", "It was not you"),
        ),
        "image_sets": (GeneratedImageSet("a" * 32, 3, True, 2),),
    }
    return JobOutput(**(values | changes))  # type: ignore[arg-type] # from a mapping


def test_the_output_is_what_the_service_documents(tmp_path: Path) -> None:
    write_output(tmp_path, job_output())
    folder = tmp_path / "q" / "r" / f"{DATASTORE}-DicomImport-{JOB}"
    uri = f"s3://output/q/r/{DATASTORE}-DicomImport-{JOB}/"
    assert json.loads((folder / "job-output-manifest.json").read_text()) == {
        "jobSummary": {
            "jobId": JOB,
            "datastoreId": DATASTORE,
            "inputS3Uri": "s3://input/p/",
            "outputS3Uri": uri,
            "successOutputS3Uri": f"{uri}SUCCESS/",
            "failureOutputS3Uri": f"{uri}FAILURE/",
            "warningsOutputS3Uri": f"{uri}WARNING/",
            "numberOfScannedFiles": 4,
            "numberOfImportedFiles": 2,
            "numberOfFilesWithCustomerError": 1,
            "numberOfFilesWithServerError": 1,
            "numberOfGeneratedImageSets": 1,
            "imageSetsSummary": [
                {
                    "imageSetId": "a" * 32,
                    "imageSetVersion": 3,
                    "isPrimary": True,
                    "numberOfMatchedSOPInstances": 2,
                }
            ],
        }
    }
    assert lines(folder / "SUCCESS" / "success.ndjson") == [
        {"inputFile": "p/1.dcm", "importResponse": {"imageSetId": "a" * 32, "isPrimary": True}},
        {"inputFile": "p/2", "importResponse": {"imageSetId": "a" * 32, "isPrimary": True}},
    ]
    assert lines(folder / "FAILURE" / "failure.ndjson")[0] == {
        "inputFile": "p/3",
        "exception": {
            "exceptionType": "ValidationException",
            "message": "DICOM attributes does not exist",
        },
    }
    assert lines(folder / "WARNING" / "warning.ndjson") == [
        {
            "inputFile": "p/2",
            "importResponse": {
                "imageSetId": "a" * 32,
                "imageSetVersion": 3,
                "isPrimary": True,
                "warnings": [
                    {
                        "warning_reason_code": 45328,
                        "type": "FramesExtractionFailure",
                        "message": "The frames cannot be told apart.",
                    }
                ],
            },
        }
    ]
    files = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 4, "nothing unfinished is left"


def lines(path: Path) -> list[object]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_key_with_line_ends_stays_on_its_line(tmp_path: Path) -> None:
    key = "p/a\nb\u2028c\udcff.dcm"
    write_output(tmp_path, job_output(imported=(Imported(key, "a" * 32, False),)))
    (path,) = tmp_path.rglob("success.ndjson")
    assert [json.loads(line)["inputFile"] for line in path.read_text().splitlines()] == [key]


def test_the_folder_of_a_job_has_one_slash_at_each_place() -> None:
    expected = "s3://output/ds-DicomImport-job/"
    assert job_folder_uri("s3://output", "ds", "job") == expected
    assert job_folder_uri("s3://output/", "ds", "job") == expected


def test_an_output_outside_of_its_bucket_is_refused(tmp_path: Path) -> None:
    bucket = tmp_path / "bucket"
    bucket.mkdir()
    with pytest.raises(ValueError, match="not in its bucket"):
        write_output(bucket, job_output(output_s3_uri="s3://output/../elsewhere"))
    assert [path.name for path in tmp_path.iterdir()] == ["bucket"]
