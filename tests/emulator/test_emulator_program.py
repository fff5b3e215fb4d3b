"""The emulator as a program, and as a fixture of other people's tests."""

import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from account import CONFIG, boto3, open_account, refused
from dicom_files import write_instance

from healthimaging_sdk.emulator import Emulator
from healthimaging_sdk.emulator.__main__ import main
from healthimaging_sdk.emulator._emulator import PUBLISHED

COMMAND = [sys.executable, "-m", "healthimaging_sdk.emulator"]


@contextmanager
def running(*arguments: str) -> Generator["subprocess.Popen[str]"]:
    pipe = subprocess.PIPE
    with subprocess.Popen([*COMMAND, *arguments], stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def read_line(stream: Any) -> str:
    line: str = stream.readline()
    return line.rstrip("\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_tells_where_it_is_and_stops_when_told(tmp_path: Path, number: signal.Signals) -> None:
    folders = ["--bucket", f"input={tmp_path}", "--bucket", f"output={tmp_path}"]
    with running("--port", "0", *folders) as process:
        url = read_line(process.stdout)
        names = dict(pair.split("=", 1) for pair in read_line(process.stdout).split())
        client = boto3.client(
            "medical-imaging",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id=names["access_key_id"],
            aws_secret_access_key=names["secret_access_key"],
            config=CONFIG,
        )
        assert url.startswith("http://127.0.0.1:")
        assert client.list_datastores()["datastoreSummaries"] == []

        process.send_signal(number)
        _, errors = process.communicate()

    assert (process.returncode, errors) == (0, "")


def test_it_throttles_and_fails_as_it_is_told() -> None:
    faults = ["--fault", "ListDatastores:ConflictException", "--fault", "GetDatastore:500:1:1"]
    with running("--port", "0", "--throttle", "published", *faults) as process:
        client = boto3.client(
            "medical-imaging",
            endpoint_url=read_line(process.stdout),
            region_name="us-east-1",
            aws_access_key_id=PUBLISHED.access_key_id,
            aws_secret_access_key=PUBLISHED.secret_access_key,
            config=CONFIG,
        )
        assert refused(client.list_datastores)[:2] == (409, "ConflictException")
        client.create_datastore()
        assert refused(client.create_datastore)[:2] == (429, "ThrottlingException")
        (found,) = client.list_datastores()["datastoreSummaries"]
        client.get_datastore(datastoreId=found["datastoreId"])
        assert refused(client.get_datastore, datastoreId=found["datastoreId"])[0] == 500


def test_an_address_that_others_can_reach_needs_a_flag_and_gets_a_warning() -> None:
    with running("--port", "0", "--host", "0.0.0.0", "--allow-remote") as process:
        assert read_line(process.stderr).startswith("warning: others can reach this emulator")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--host", "0.0.0.0"], "needs --allow-remote"),
        (["--bucket", "input"], "needs NAME=DIR"),
        (["--bucket", "input=/no/such/folder"], "needs NAME=DIR"),
        (["--port", "x"], "invalid int value"),
        (["--events", "/no/such/folder/file"], "needs a file in a folder that exists"),
        (["--duration", "-1"], "must be seconds, at least 0"),
        (["--throttle", "fast"], "must be off, published or a positive number"),
        (["--fault", "CopyImageSet"], "needs OPERATION:KIND"),
        (["--fault", "CopyImageSet:gone"], "kind: must be one of"),
    ],
)
def test_arguments_that_make_no_sense_are_explained(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == 2
    assert expected in capsys.readouterr().err


def test_a_port_that_is_taken_is_explained(emulator: Emulator) -> None:
    port = emulator.endpoint_url.rpartition(":")[2]
    with running("--port", port) as process:
        _, errors = process.communicate()

    assert errors.startswith(f"cannot listen on 127.0.0.1:{port}: ")
    assert process.returncode == 1


def test_the_fixture_works_without_asyncio(healthimaging_emulator: Emulator) -> None:
    write_instance(healthimaging_emulator.buckets["input"])

    account = open_account(healthimaging_emulator)

    assert account.import_all()["jobStatus"] == "COMPLETED"
    assert any(healthimaging_emulator.buckets["output"].iterdir())


async def test_the_fixture_works_with_asyncio(healthimaging_emulator: Emulator) -> None:
    assert healthimaging_emulator.endpoint_url.startswith("http://127.0.0.1:")


def test_the_environment_is_all_that_boto3_needs(
    healthimaging_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in healthimaging_emulator.environment.items():
        monkeypatch.setenv(name, value)
    client = boto3.Session().client("medical-imaging")

    # Of the data plane, before whose host boto3 would put a prefix.
    attempt = refused(client.search_image_sets, datastoreId="0" * 32, searchCriteria={})

    assert attempt[:2] == (404, "ResourceNotFoundException")


def test_the_emulator_never_imports_the_client() -> None:
    check = """
import sys
from types import ModuleType

# What the package's own front door brings along does not count.
sys.modules["healthimaging_sdk"] = package = ModuleType("healthimaging_sdk")
package.__path__ = [sys.argv[1]]
import healthimaging_sdk.emulator._emulator
client = {"client", "_transport", "_signing", "_retrying", "_calls", "waiters", "pagination"}
found = {name for name in client if f"healthimaging_sdk.{name}" in sys.modules}
sys.exit(f"imported: {found}" if found else 0)
"""
    package = Path(__file__).parents[2] / "healthimaging_sdk"
    done = subprocess.run(
        [sys.executable, "-c", check, str(package)], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
