"""An emulator that keeps its data: once more, or as a process of its own that a test can kill."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO, cast

from account import CONFIG, Account, boto3, boto3_client, open_account
from dicom_files import write_instance

from healthimaging_sdk.emulator import Emulator


def again(account: Account, emulator: Emulator) -> Account:
    return Account(emulator, boto3_client(emulator), account.datastore_id)


def with_one_image_set(emulator: Emulator) -> tuple[Account, str]:
    account = open_account(emulator)
    write_instance(account.inbox, 1)
    account.import_all()
    (image_set_id,) = account.image_set_ids()
    return account, image_set_id


class RunningEmulator:
    def __init__(self, data: Path, buckets: Mapping[str, Path], *arguments: str) -> None:
        folders = [part for each in buckets.items() for part in ("--bucket", "{}={}".format(*each))]
        self._command = [
            *(sys.executable, "-m", "healthimaging_sdk.emulator", "--port", "0"),
            *("--data", str(data), *folders, *arguments),
        ]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        self._output = cast("TextIO", self._process.stdout)  # as it is a pipe
        url, keys = (self._output.readline().strip() for _ in range(2))
        names = dict(pair.split("=", 1) for pair in keys.split())
        self._options = {
            "region_name": "us-east-1",
            "endpoint_url": url,
            "aws_access_key_id": names["access_key_id"],
            "aws_secret_access_key": names["secret_access_key"],
            "config": CONFIG,
        }
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()

    def client(self) -> Any:
        return boto3.client("medical-imaging", **self._options)

    def kill(self) -> None:
        """At once, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        self._output.close()
