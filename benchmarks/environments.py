"""Who is measured: a script, and the environment it runs in. Peers pin other versions than ours."""

import json
import subprocess
import sys
import tomllib
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from benchmarks import rows

ROOT = Path(__file__).parent.parent
SCRIPTS = Path(__file__).parent / "clients"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

ENVIRONMENTS: dict[str, tuple[str, ...]] = {
    "sdk": (
        *PROJECT["dependencies"],
        *PROJECT["optional-dependencies"]["speedups"],
        "uvloop>=0.21",
    ),
    "aiobotocore": ("aiobotocore>=3.10",),
    "boto3": ("boto3>=1.44",),
    "capo": ("capo-medical-imaging>=0.10",),
    "certificates": ("trustme>=1.2",),
}
"""What pip installs. Nothing else is there, for it would make the start of Python slower."""


@dataclass(frozen=True)
class Client:
    script: str
    environment: str
    options: tuple[str, ...] = ()
    checkout: Path = ROOT
    """Where this SDK is imported from."""
    equal_allocator: bool = True
    """Whether it gets the settings of malloc that a study gives to all."""


CLIENTS = {
    rows.SDK: Client("sdk.py", "sdk"),
    rows.PLAIN: Client("sdk.py", "sdk", ("plain",)),
    rows.UVLOOP: Client("sdk.py", "sdk", ("uvloop",)),
    rows.PATIENT: Client("sdk.py", "sdk", ("patient",)),
    rows.OWN_MALLOC: Client("sdk.py", "sdk", equal_allocator=False),
    rows.BARE: Client("bare.py", "sdk"),
    rows.LIBRARIES: Client("libraries.py", "sdk"),
    rows.AIOBOTOCORE: Client("aws_async.py", "aiobotocore"),
    rows.BOTO3: Client("aws_threads.py", "boto3"),
    rows.BOTO3_32: Client("aws_threads.py", "boto3", ("32",)),
    rows.CAPO: Client("capo.py", "capo"),
}


def interpreters(folder: Path, clients: Mapping[str, Client]) -> dict[str, str]:
    """The Python of every client that can be installed here, by the client's name."""
    found: dict[str, str] = {}
    for name, client in clients.items():
        python = environment(folder, client.environment)
        if python:
            found[name] = python
        else:
            print(f"{name} cannot be installed, and is left out", file=sys.stderr)
    return found


def environment(folder: Path, name: str) -> str | None:
    """Its Python, if it can be installed here."""
    requirements = ENVIRONMENTS[name]
    place = folder / f"{name}-{crc32(' '.join(requirements).encode()):08x}"
    python = str(place / "bin" / "python")
    if not (place / "complete").exists():
        venv.create(place, with_pip=True, clear=True)
        command = [python, "-m", "pip", "install", "--quiet", *requirements]
        if subprocess.run(command, check=False).returncode:
            return None
        (place / "complete").touch()
    return python


def versions(python: str) -> dict[str, str]:
    """What is installed beside it."""
    command = [python, "-m", "pip", "list", "--format=json", "--disable-pip-version-check"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {each["name"]: each["version"] for each in json.loads(listed)}
