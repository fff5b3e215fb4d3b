"""SIGKILL at drawn moments while clients write: what was told to a client is true afterwards."""

import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from string import ascii_letters
from threading import Semaphore
from typing import Any

from account import ROLE, Account, boto3_client, open_account, until
from attrs import Factory, define, field
from botocore.exceptions import BotoCoreError, ClientError
from dicom_files import write_instance
from running_emulator import RunningEmulator

from healthimaging_sdk.emulator import Durations, Emulator

KILLS = 5
WRITERS = ("Ann", "Bob", "Cid")
SHORTLY = ("--duration", "0.005")


@define
class Writer:
    """A client that writes one thing after the other, and what it was told."""

    name: str
    datastore_id: str
    source: str
    random: random.Random
    tags: dict[str, str] = field(factory=dict[str, str])
    jobs: list[str] = field(factory=list[str])
    copies: list[str] = field(factory=list[str])
    names: dict[tuple[str, str], str | None] = field(factory=dict[tuple[str, str], str | None])
    """Of the patient, by image set and version; `None` if it was not seen to succeed."""
    deletions: dict[str, bool] = field(factory=dict[str, bool])
    """Whether they were accepted, or the answer got lost."""
    client: Any = None
    on_answer: Callable[[], None] = Factory(lambda: lambda: None)

    def run(self) -> None:
        """Until there is nobody to talk to."""
        acts = (self.update, self.update, self.copy, self.delete, self.tag, self.start_import)
        is_over = False
        while not is_over:
            try:
                self.random.choice(acts)()
            except ClientError as error:
                answer: Any = error.response
                assert answer["ResponseMetadata"]["HTTPStatusCode"] == 409  # locked by a copy
            except BotoCoreError:
                is_over = True
            finally:
                self.on_answer()

    def a_copy(self) -> str:
        living = [each for each in self.copies if each not in self.deletions]
        return self.random.choice(living or [self.copy()])

    def copy(self) -> str:
        copied: str = self.client.copy_image_set(
            datastoreId=self.datastore_id,
            sourceImageSetId=self.source,
            copyImageSetInformation={"sourceImageSet": {"latestVersionId": "1"}},
        )["destinationImageSetProperties"]["imageSetId"]
        self.copies.append(copied)
        self.names[copied, "1"] = None
        return copied

    def update(self) -> None:
        image_set_id, name = self.a_copy(), f"{self.name}^{self.random.random()}"
        ids = {"datastoreId": self.datastore_id, "imageSetId": image_set_id}
        document = {"SchemaVersion": 1.1, "Patient": {"DICOM": {"PatientName": name}}}
        version = self.client.update_image_set_metadata(
            **ids,
            latestVersionId=self.client.get_image_set(**ids)["versionId"],
            updateImageSetMetadataUpdates={
                "DICOMUpdates": {"updatableAttributes": json.dumps(document).encode()}
            },
        )["latestVersionId"]
        self.names[image_set_id, version] = None
        found = until(
            lambda: self.client.get_image_set(**ids, versionId=version),
            lambda found: found["imageSetState"] != "LOCKED",
        )
        if found["imageSetWorkflowStatus"] == "UPDATED":  # its copy may have failed
            self.names[image_set_id, version] = name

    def delete(self) -> None:
        image_set_id = self.a_copy()
        self.deletions[image_set_id] = False
        self.client.delete_image_set(datastoreId=self.datastore_id, imageSetId=image_set_id)
        self.deletions[image_set_id] = True

    def tag(self) -> None:
        key, value = f"{self.name}:{self.random.choice(ascii_letters)}", str(self.random.random())
        self.tags.pop(key, None)
        arn = f"arn:aws:medical-imaging:us-east-1:123456789012:datastore/{self.datastore_id}"
        self.client.tag_resource(resourceArn=arn, tags={key: value})
        self.tags[key] = value

    def start_import(self) -> None:
        job = self.client.start_dicom_import_job(
            datastoreId=self.datastore_id,
            dataAccessRoleArn=ROLE,
            inputS3Uri="s3://input/more/",
            outputS3Uri="s3://output/",
        )
        self.jobs.append(job["jobId"])

    def check(self, account: Account) -> None:
        """All that it was told is true."""
        for (image_set_id, version), name in self.names.items():
            found = account.get(image_set_id, versionId=version)
            if image_set_id in self.deletions:
                is_deleted = found["imageSetState"] == "DELETED"
                assert is_deleted or not self.deletions[image_set_id]
            else:
                assert found["imageSetState"] == "ACTIVE"
            if name is not None and found["imageSetState"] == "ACTIVE":
                document = account.document(image_set_id, versionId=version)
                assert document["Patient"]["DICOM"]["PatientName"] == name
        assert all(account.ended_job(job_id) for job_id in self.jobs)
        arn = f"arn:aws:medical-imaging:us-east-1:123456789012:datastore/{self.datastore_id}"
        tags = account.client.list_tags_for_resource(resourceArn=arn)["tags"]
        assert self.tags.items() <= tags.items()


def check_all_is_whole(account: Account) -> int:
    """No image set is half; the number of versions."""
    pages = account.client.get_paginator("search_image_sets").paginate(
        datastoreId=account.datastore_id, searchCriteria={}
    )
    count = 0
    for summary in (each for page in pages for each in page["imageSetsMetadataSummaries"]):
        ids = {"datastoreId": account.datastore_id, "imageSetId": summary["imageSetId"]}
        versions = account.client.list_image_set_versions(**ids)["imageSetPropertiesList"]
        count += len(versions)
        assert {each["imageSetState"] for each in versions} == {"ACTIVE"}
        if versions[-1].get("message"):
            continue  # a copy that failed has nothing to read
        document = account.document(summary["imageSetId"])
        (series,) = document["Study"]["Series"].values()
        for instance in series["Instances"].values():
            for frame in instance["ImageFrames"]:
                wanted = {"imageFrameId": frame["ID"]}
                answer = account.client.get_image_frame(**ids, imageFrameInformation=wanted)
                assert answer["imageFrameBlob"].read()
    return count


def test_what_was_told_is_true_after_each_kill_and_nothing_is_half(
    buckets: dict[str, Path], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    for number, _ in enumerate(WRITERS):
        write_instance(buckets["input"] / "sources", SeriesInstanceUID=f"1.2.{number}")
    write_instance(buckets["input"] / "more", SeriesInstanceUID="1.2.3")
    with Emulator(buckets=buckets, data=data, durations=Durations.all(0)) as emulator:
        account = open_account(emulator)
        account.import_all("sources/")
        writers = [
            Writer(name, account.datastore_id, source, random.Random(random.random()))
            for name, source in zip(WRITERS, account.image_set_ids(), strict=False)
        ]

    for _ in range(KILLS):
        answers = Semaphore(0)
        with RunningEmulator(data, buckets, *SHORTLY) as running:
            account = Account(emulator, running.client(), account.datastore_id)
            for writer in writers:
                writer.check(account)
                writer.client, writer.on_answer = running.client(), answers.release
            with ThreadPoolExecutor(len(WRITERS)) as threads:
                work = [threads.submit(writer.run) for writer in writers]
                for _ in range(random.randint(5, 40)):
                    answers.acquire()
                running.kill()
            assert [each.result() for each in work] == [None] * len(WRITERS)

    with Emulator(buckets=buckets, data=data) as emulator:
        account = Account(emulator, boto3_client(emulator), account.datastore_id)
        for writer in writers:
            writer.check(account)
        assert check_all_is_whole(account) > len(WRITERS)
