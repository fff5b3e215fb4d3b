"""Each example works against an emulator, and calls just what its IAM policy allows.

The emulator's journal tells what was called.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import running_examples
from account import ROLE, Account, open_account
from dicom_files import STUDY, write_instance
from running_examples import ROOT, allowed, called

from healthimaging_sdk.emulator import Durations, Emulator


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    """A data store with a study of two series, of which one has two instances."""
    buckets = {name: tmp_path / name for name in ("input", "output")}
    for folder in buckets.values():
        folder.mkdir()
    with Emulator(buckets=buckets, durations=Durations.all(0)) as emulator:
        account = open_account(emulator)
        write_instance(account.inbox, 1)
        write_instance(account.inbox, 2)
        write_instance(account.inbox, 1, SeriesInstanceUID=f"{STUDY}.2", SeriesNumber="3")
        account.import_all()
        emulator.journal.clear()
        yield account


def run(account: Account, example: str, *arguments: str) -> list[str]:
    """The lines that the example prints."""
    code, output, errors = running_examples.run(
        account.emulator, example, account.datastore_id, *arguments
    )
    assert (code, errors) == (0, "")
    return output.splitlines()


def test_a_viewer_downloads_a_study(account: Account, tmp_path: Path) -> None:
    target = tmp_path / "study"

    lines = run(account, "download_study.py", STUDY, str(target))

    assert called(account.emulator) == allowed("viewer")
    assert {folder.name for folder in target.iterdir()} == set(account.image_set_ids())
    assert len(lines) == 2
    for image_set_id in account.image_set_ids():
        document = account.document(image_set_id)
        folder = target / image_set_id
        assert json.loads((folder / "metadata.json").read_bytes()) == document
        (series,) = document["Study"]["Series"].values()
        frame_ids = {
            frame["ID"]
            for instance in series["Instances"].values()
            for frame in instance["ImageFrames"]
        }
        assert {each.name for each in folder.iterdir()} == {"metadata.json", *frame_ids}
        assert f"{folder}: {len(frame_ids)} frames" in lines
        for frame_id in frame_ids:
            answer = account.client.get_image_frame(
                datastoreId=account.datastore_id,
                imageSetId=image_set_id,
                imageFrameInformation={"imageFrameId": frame_id},
            )
            assert (folder / frame_id).read_bytes() == answer["imageFrameBlob"].read()


def test_an_editor_renames_a_patient(account: Account) -> None:
    lines = run(account, "edit_patient.py", "P-1", "Doe^Corrected")

    assert called(account.emulator) == allowed("editor")
    image_set_ids = account.image_set_ids()
    assert set(lines) == {f"{image_set_id} is at version 2" for image_set_id in image_set_ids}
    for image_set_id in image_set_ids:
        patient = account.document(image_set_id)["Patient"]["DICOM"]
        assert patient["PatientName"] == "Doe^Corrected"


def test_an_importer_imports_a_folder(account: Account) -> None:
    write_instance(account.inbox / "more", 1, StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.1")

    *_, last = run(account, "import_folder.py", ROLE, "s3://input/more/", "s3://output/more/")

    assert called(account.emulator) == allowed("importer")
    assert len(account.image_set_ids()) == 3
    told = "the manifest is in s3://output/"
    assert last.startswith(told)
    manifest = account.emulator.buckets["output"] / last.removeprefix(told)
    summary = json.loads((manifest / "job-output-manifest.json").read_text())["jobSummary"]
    assert summary["numberOfImportedFiles"] == 1


def test_an_importer_hands_its_role_to_this_service_only() -> None:
    policy = json.loads((ROOT / "docs" / "iam" / "importer.json").read_text())
    (passing,) = [each for each in policy["Statement"] if each["Action"] == "iam:PassRole"]

    assert passing["Resource"].startswith("arn:aws:iam::ACCOUNT:role/")
    services = passing["Condition"]["StringEquals"]["iam:PassedToService"]
    assert services == "medical-imaging.amazonaws.com"
