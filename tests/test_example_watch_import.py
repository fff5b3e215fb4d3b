"""`watch_import.py` shows a job until its end, and lets go of it at Ctrl-C."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from account import ROLE, Account, open_account
from aiohttp import web
from dicom_files import write_instance
from held_time import HeldTime
from running_examples import allowed, called, run, start

from healthimaging_sdk.emulator import Emulator


@pytest.fixture
def held() -> HeldTime:
    return HeldTime()


@pytest.fixture
def account(tmp_path: Path, held: HeldTime) -> Iterator[Account]:
    """Two files to import, one of them no DICOM."""
    buckets = {name: tmp_path / name for name in ("input", "output")}
    for folder in buckets.values():
        folder.mkdir()
    with Emulator(buckets=buckets, sleep=held.sleep) as emulator:
        account = open_account(emulator)
        write_instance(account.inbox)
        (account.inbox / "letter.txt").write_text("Dear colleague")
        emulator.journal.clear()
        yield account


def output_folder(account: Account) -> list[str]:
    return ["--bucket", f"output={account.emulator.buckets['output']}"]


def submitted(account: Account) -> str:
    job_id: str = account.client.start_dicom_import_job(
        datastoreId=account.datastore_id,
        dataAccessRoleArn=ROLE,
        inputS3Uri="s3://input/",
        outputS3Uri="s3://output/",
    )["jobId"]
    return job_id


def test_it_starts_a_job_and_says_why_files_failed(account: Account) -> None:
    code, output, errors = run(
        account.emulator,
        *("watch_import.py", account.datastore_id, *output_folder(account)),
        *("--start", ROLE, "s3://input/", "s3://output/"),
    )

    assert (code, errors) == (1, "")
    *_, status, counts, reason = output.splitlines()
    assert status.endswith("is COMPLETED")
    assert counts == "2 files: 1 imported into 1 image sets, 1 failed"
    assert reason.startswith("1 failed: ")
    assert reason.endswith("(such as letter.txt)")
    assert called(account.emulator) == allowed("importer")


def test_it_tells_of_success_by_its_exit_code(account: Account) -> None:
    (account.inbox / "letter.txt").unlink()
    job_id = account.import_all()["jobId"]

    code, output, _ = run(
        account.emulator, "watch_import.py", account.datastore_id, job_id, *output_folder(account)
    )

    assert code == 0
    assert output.splitlines()[-1] == "1 files: 1 imported into 1 image sets, 0 failed"


def test_a_job_that_failed_is_told_with_its_reason(account: Account) -> None:
    code, output, errors = run(
        account.emulator,
        *("watch_import.py", account.datastore_id),
        *("--start", ROLE, "s3://no-such-bucket/", "s3://output/"),
    )

    assert (code, errors) == (1, "")
    assert "the job failed: DICOM import job has failed. A bucket" in output


def test_ctrl_c_ends_the_watching_and_not_the_job(account: Account, held: HeldTime) -> None:
    held.is_held = True
    job_id = submitted(account)
    with start(account.emulator, ["watch_import.py", account.datastore_id, job_id]) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"job {job_id} is SUBMITTED\n"
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate()

    assert (process.returncode, errors) == (130, "")
    assert output.endswith("no longer watching; the job goes on\n")
    held.let_go()
    assert account.ended_job(job_id)["jobStatus"] == "COMPLETED"


async def test_the_output_is_read_from_s3(account: Account) -> None:
    """By botocore, from a server of files with the paths of S3."""
    job_id = (await asyncio.to_thread(account.import_all))["jobId"]
    s3 = web.Application()
    s3.router.add_static("/output", account.emulator.buckets["output"])
    runner = web.AppRunner(s3)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        code, output, errors = await asyncio.to_thread(
            run,
            account.emulator,
            *("watch_import.py", account.datastore_id, job_id),
            env={"AWS_ENDPOINT_URL_S3": f"http://{host}:{port}"},
        )
    finally:
        await runner.cleanup()

    assert (code, errors) == (1, "")
    assert "(such as letter.txt)" in output
