"""The AWS CLI, as it is installed: the commands of its own HealthImaging pages.

https://awscli.amazonaws.com/v2/documentation/api/latest/reference/medical-imaging/index.html

Every example of the five pages is run as it is printed there, with ids of image sets that exist;
the answer has to have the members, types and enum values of the printed one.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
from account import ROLE, Account, until
from dicom_files import SERIES, STUDY, instance_uid, write_instance

LOCKED = {"imageSetState": "LOCKED"}
TIMES = {"createdAt": 1680027126.436, "updatedAt": 1680042257.908}
UPDATING = {
    "datastoreId": "12345678901234567890123456789012",
    "imageSetId": "ea92b0d8838c72a3f25d00d13616f87e",
    "latestVersionId": "2",
    "imageSetWorkflowStatus": "UPDATING",
    **LOCKED,
    **TIMES,
}
COPYING = {
    "datastoreId": "12345678901234567890123456789012",
    "sourceImageSetProperties": {
        "imageSetId": "ea92b0d8838c72a3f25d00d13616f87e",
        "latestVersionId": "1",
        "imageSetWorkflowStatus": "COPYING_WITH_READ_ONLY_ACCESS",
        **LOCKED,
        **TIMES,
    },
    "destinationImageSetProperties": {
        "imageSetId": "b9a06fef182a5f992842f77f8e0868e5",
        "latestVersionId": "2",
        "imageSetWorkflowStatus": "COPYING",
        **LOCKED,
        **TIMES,
    },
}
GOT = {
    "datastoreId": "12345678901234567890123456789012",
    "imageSetId": "18f88ac7870584f58d56256646b4d92b",
    "versionId": "1",
    "imageSetWorkflowStatus": "COPIED",
    "imageSetState": "ACTIVE",
    "createdAt": 1679592510.753,
}
# Members that the model has gained since the pages were written, or that they print as optional.
NEWER = {"imageSetArn", "isPrimary", "lastAccessedAt", "storageTier", "updatedAt", "overrides"}


class CommandLine:
    def __init__(self, account: Account, home: Path) -> None:
        self._account = account
        self._environment = {
            **os.environ,
            **account.emulator.environment,
            "AWS_CONFIG_FILE": str(home / "config"),
            "AWS_CLI_FILE_ENCODING": "UTF-8",
        }
        # Version 2 prints timestamps as they come on the wire; version 1 has to be told.
        (home / "config").write_text("[default]\ncli_timestamp_format = none\n")

    def __call__(self, command: str, *arguments: str) -> Any:
        """The answer to a command about the data store."""
        return self.run(command, "--datastore-id", self._account.datastore_id, *arguments)

    def run(self, *words: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "awscli", "medical-imaging", *words],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout) if done.stdout else None


@pytest.fixture
def aws(account: Account, tmp_path: Path) -> CommandLine:
    return CommandLine(account, tmp_path)


@pytest.fixture(scope="module")
def primary_id(account: Account) -> str:
    """An image set of two instances, all of whose content the module's tests may copy."""
    for number in (1, 2):
        write_instance(account.inbox / "made", number)
    account.import_all("made")
    (image_set_id,) = account.image_set_ids()
    return image_set_id


@pytest.fixture
def image_set_id(account: Account, primary_id: str) -> str:
    """A copy, at version 1, for one test alone."""
    account.settled(primary_id)
    copied: str = account.copy(primary_id)["imageSetId"]
    return copied


def assert_same_shape(answer: Any, printed: Any) -> None:
    match printed:
        case dict():
            assert printed.keys() <= answer.keys() <= printed.keys() | NEWER
            for name, value in cast("dict[str, Any]", printed).items():
                assert_same_shape(answer[name], value)
        case str() if printed.isupper():
            assert answer == printed
        case str():
            assert isinstance(answer, str)
        case _:
            assert isinstance(answer, int | float)


def updates_file(folder: Path, kind: str, document: Any) -> str:
    path = folder / "metadata-updates.json"
    path.write_text(json.dumps({"DICOMUpdates": {kind: json.dumps(document)}}))
    return f"file://{path}"


def in_instance(content: Any) -> Any:
    instances = {instance_uid(1): content}
    return {"SchemaVersion": 1.1, "Study": {"Series": {SERIES: {"Instances": instances}}}}


PRIVATE = {"DICOM": {"001910F9": "97"}, "DICOMVRs": {"001910F9": "DS"}}
UPDATES: dict[str, tuple[str, Any, list[str]]] = {
    "example 1": (
        "updatableAttributes",
        {"SchemaVersion": 1.1, "Patient": {"DICOM": {"PatientName": "MX^MX"}}},
        [],
    ),
    "example 2": (
        "removableAttributes",
        {"SchemaVersion": 1.1, "Study": {"DICOM": {"StudyDescription": "CHEST"}}},
        [],
    ),
    # The page prints it without --force; the newer Developer Guide says that force is needed.
    "example 3": ("removableAttributes", in_instance({}), ["--force"]),
    "example 5": ("updatableAttributes", in_instance(PRIVATE), ["--force"]),
    "example 7": (
        "updatableAttributes",
        in_instance({"DICOM": {"SOPInstanceUID": f"{instance_uid(1)}.9"}}),
        ["--force"],
    ),
}


@pytest.mark.parametrize("example", UPDATES)
def test_update_image_set_metadata(
    account: Account, aws: CommandLine, image_set_id: str, tmp_path: Path, example: str
) -> None:
    kind, document, flags = UPDATES[example]

    answer = aws(
        "update-image-set-metadata",
        *("--image-set-id", image_set_id, "--latest-version-id", "1", *flags),
        *("--update-image-set-metadata-updates", updates_file(tmp_path, kind, document)),
    )

    assert_same_shape(answer, UPDATING)
    assert account.settled(image_set_id)["imageSetWorkflowStatus"] == "UPDATED"


def test_update_image_set_metadata_example_6(
    account: Account, aws: CommandLine, image_set_id: str, tmp_path: Path
) -> None:
    account.update(image_set_id, 1, updates=in_instance(PRIVATE), force=True)
    changed = in_instance({"DICOM": {"001910F9": "98"}})

    answer = aws(
        "update-image-set-metadata",
        *("--image-set-id", image_set_id, "--latest-version-id", "2", "--force"),
        "--update-image-set-metadata-updates",
        updates_file(tmp_path, "updatableAttributes", changed),
    )

    assert_same_shape(answer, UPDATING)
    assert account.settled(image_set_id)["imageSetWorkflowStatus"] == "UPDATED"


def test_update_image_set_metadata_example_4(
    account: Account, aws: CommandLine, image_set_id: str
) -> None:
    for version in (1, 2):
        account.update(image_set_id, version, updates=UPDATES["example 1"][1])

    answer = aws(
        "update-image-set-metadata",
        *("--image-set-id", image_set_id, "--latest-version-id", "3"),
        *("--update-image-set-metadata-updates", '{"revertToVersionId": "1"}'),
    )

    assert_same_shape(answer, UPDATING)
    assert answer["latestVersionId"] == "4"
    assert account.settled(image_set_id)["imageSetWorkflowStatus"] == "UPDATED"


def copy(aws: CommandLine, source: str, information: Any, *flags: str) -> Any:
    return aws(
        "copy-image-set",
        *("--source-image-set-id", source),
        *("--copy-image-set-information", json.dumps(information), *flags),
    )


def test_copy_image_set_example_1(account: Account, aws: CommandLine, image_set_id: str) -> None:
    answer = copy(aws, image_set_id, {"sourceImageSet": {"latestVersionId": "1"}})

    assert_same_shape(answer, COPYING)
    made = answer["destinationImageSetProperties"]["imageSetId"]
    assert account.settled(made)["imageSetWorkflowStatus"] == "COPIED"


def test_copy_image_set_example_2(account: Account, aws: CommandLine, image_set_id: str) -> None:
    destination = account.copy(image_set_id)["imageSetId"]

    answer = copy(
        aws,
        image_set_id,
        {
            "sourceImageSet": {"latestVersionId": "1"},
            "destinationImageSet": {"imageSetId": destination, "latestVersionId": "1"},
        },
    )

    assert_same_shape(answer, COPYING)
    # As in the page's example, the destination is a copy: nothing can be added to it.
    failed = account.settled(destination)
    assert (failed["versionId"], failed["imageSetWorkflowStatus"]) == ("2", "COPY_FAILED")


def test_copy_image_set_example_3(account: Account, aws: CommandLine, image_set_id: str) -> None:
    first = {**in_instance({}), "SchemaVersion": "1.1"}
    destination = account.copy(image_set_id)["imageSetId"]
    account.update(destination, 1, removals=in_instance({}), force=True)

    answer = copy(
        aws,
        image_set_id,
        {
            "sourceImageSet": {
                "latestVersionId": "1",
                "DICOMCopies": {"copiableAttributes": json.dumps(first)},
            },
            "destinationImageSet": {"imageSetId": destination, "latestVersionId": "2"},
        },
        "--force",
    )

    assert_same_shape(answer, COPYING)
    copied = account.settled(destination)
    assert (copied["versionId"], copied["imageSetWorkflowStatus"]) == ("3", "COPIED")


@pytest.mark.usefixtures("primary_id")  # that takes the first image set for its own
def test_two_variants_become_one_primary_image_set(
    account: Account, aws: CommandLine, tmp_path: Path
) -> None:
    """https://docs.aws.amazon.com/healthimaging/latest/devguide/understanding-image-sets.html"""
    series = f"{STUDY}.7"
    for number, patient in ((1, "P-1"), (2, "P-9")):
        write_instance(
            account.inbox / "variants", number, SeriesInstanceUID=series, PatientID=patient
        )
    job = account.import_all("variants")
    manifest = account.job_output(job, "job-output-manifest.json")
    made = {
        each["isPrimary"]: each["imageSetId"] for each in manifest["jobSummary"]["imageSetsSummary"]
    }
    resolved = {"SchemaVersion": 1.1, "Patient": {"DICOM": {"PatientID": "P-1"}}}
    aws(
        "update-image-set-metadata",
        *("--image-set-id", made[False], "--latest-version-id", "1"),
        "--update-image-set-metadata-updates",
        updates_file(tmp_path, "updatableAttributes", resolved),
    )
    account.settled(made[False])

    information = {"sourceImageSet": {"latestVersionId": "2"}}
    answer = copy(aws, made[False], information, "--promote-to-primary")

    assert answer["destinationImageSetProperties"]["imageSetId"] == made[True]
    assert account.settled(made[True])["imageSetWorkflowStatus"] == "COPIED"
    (content,) = account.document(made[True])["Study"]["Series"].values()
    assert len(content["Instances"]) == 2


def test_get_image_set(aws: CommandLine, image_set_id: str) -> None:
    answer = aws("get-image-set", "--image-set-id", image_set_id, "--version-id", "1")

    assert_same_shape(answer, GOT)


def test_list_image_set_versions(account: Account, aws: CommandLine, image_set_id: str) -> None:
    plain = UPDATES["example 1"][1]
    account.update(image_set_id, 1, updates={"Patient": {"DICOM": {"Modality": "CT"}}})
    account.update(image_set_id, 2, updates=plain)

    listed = aws("list-image-set-versions", "--image-set-id", image_set_id)

    newest, failed, first = listed["imageSetPropertiesList"]
    printed = {
        name: GOT[name] for name in ("imageSetId", "versionId", "imageSetState", "createdAt")
    }
    assert_same_shape(first, {**printed, "ImageSetWorkflowStatus": "COPIED"})
    assert "updatedAt" not in first
    later = {**printed, "updatedAt": 1680029436.304}
    assert_same_shape(newest, {**later, "ImageSetWorkflowStatus": "UPDATED"})
    assert_same_shape(
        failed, {**later, "ImageSetWorkflowStatus": "UPDATE_FAILED", "message": "Invalid request"}
    )


def test_get_image_set_metadata(aws: CommandLine, image_set_id: str, tmp_path: Path) -> None:
    blob = tmp_path / "metadata.json.gz"

    answer = aws("get-image-set-metadata", "--image-set-id", image_set_id, str(blob))

    assert answer == {"contentType": "application/json", "contentEncoding": "gzip"}
    assert blob.read_bytes().startswith(b"\x1f\x8b")


def test_data_stores_and_tags(aws: CommandLine) -> None:
    """The commands of the reference whose pages have no place in this module yet."""
    created = aws.run("create-datastore", "--datastore-name", "from-the-cli")
    assert created.keys() == {"datastoreId", "datastoreStatus"}
    which = ("--datastore-id", created["datastoreId"])
    until(
        lambda: aws.run("get-datastore", *which)["datastoreProperties"],
        lambda datastore: datastore["datastoreStatus"] == "ACTIVE",
    )
    listed = aws.run("list-datastores", "--datastore-status", "ACTIVE")["datastoreSummaries"]
    (ours,) = [each for each in listed if each["datastoreName"] == "from-the-cli"]
    arn = ("--resource-arn", ours["datastoreArn"])

    assert aws.run("tag-resource", *arn, "--tags", '{"Deployment": "Development"}') is None
    tags = aws.run("list-tags-for-resource", *arn)
    assert tags == {"tags": {"Deployment": "Development"}}
    assert aws.run("untag-resource", *arn, "--tag-keys", '["Deployment"]') is None
    assert aws.run("list-tags-for-resource", *arn) == {"tags": {}}

    deleted = aws.run("delete-datastore", *which)
    assert deleted == {**created, "datastoreStatus": "DELETING"}


def test_jobs_frames_and_deletion(
    account: Account, aws: CommandLine, image_set_id: str, tmp_path: Path
) -> None:
    started = aws(
        "start-dicom-import-job",
        *("--job-name", "my-job", "--data-access-role-arn", ROLE),
        # A prefix without files: another import would give the module's image set a version.
        *("--input-s3-uri", "s3://input/none/", "--output-s3-uri", "s3://output/cli/"),
    )
    assert started.keys() == {"datastoreId", "jobId", "jobStatus", "submittedAt"}
    job = aws("get-dicom-import-job", "--job-id", started["jobId"])["jobProperties"]
    assert (job["jobName"], job["inputS3Uri"]) == ("my-job", "s3://input/none/")
    jobs = aws("list-dicom-import-jobs", "--max-items", "50")["jobSummaries"]
    assert started["jobId"] in {each["jobId"] for each in jobs}

    found = aws("search-image-sets", "--search-criteria", "{}")["imageSetsMetadataSummaries"]
    assert image_set_id in {each["imageSetId"] for each in found}
    (series,) = account.document(image_set_id)["Study"]["Series"].values()
    frame_id = series["Instances"][instance_uid(1)]["ImageFrames"][0]["ID"]
    file = tmp_path / "frame.jph"
    got = aws(
        "get-image-frame",
        *("--image-set-id", image_set_id),
        *("--image-frame-information", f"imageFrameId={frame_id}", str(file)),
    )
    assert got == {"contentType": "image/jph"}
    assert file.stat().st_size > 0

    deleted = aws("delete-image-set", "--image-set-id", image_set_id)
    assert deleted["imageSetWorkflowStatus"] == "DELETING"
