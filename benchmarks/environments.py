"""Who is measured: a script, and an environment of its own for what pins other versions."""

import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from benchmarks import rows

SCRIPTS = Path(__file__).parent / "clients"


@dataclass(frozen=True)
class Client:
    script: str
    requirements: tuple[str, ...] = ()
    """None: it runs where the SDK is installed."""
    options: tuple[str, ...] = ()


CLIENTS = {
    rows.SDK: Client("sdk.py"),
    rows.PLAIN: Client("sdk.py", options=("plain",)),
    rows.BARE: Client("bare.py"),
    rows.AIOBOTOCORE: Client("aws_async.py", ("aiobotocore>=3.10",)),
    rows.BOTO3: Client("aws_threads.py", ("boto3>=1.44",)),
    rows.BOTO3_32: Client("aws_threads.py", ("boto3>=1.44",), ("32",)),
    rows.CAPO: Client("capo.py", ("capo-medical-imaging>=0.10",)),
}


def interpreters(folder: Path) -> dict[str, str]:
    """The Python of every client that can be installed here."""
    found: dict[str, str] = {}
    for name, client in CLIENTS.items():
        python = _environment(folder, client) if client.requirements else sys.executable
        if python:
            found[name] = python
        else:
            print(f"{name} cannot be installed, and is left out", file=sys.stderr)
    return found


def _environment(folder: Path, client: Client) -> str | None:
    place = folder / Path(client.script).stem
    python = str(place / "bin" / "python")
    stamp = place / "requirements.txt"
    wanted = "\n".join(client.requirements)
    if not stamp.exists() or stamp.read_text() != wanted:
        venv.create(place, with_pip=True, clear=True)
        command = [python, "-m", "pip", "install", "--quiet", *client.requirements]
        if subprocess.run(command, check=False).returncode:
            return None
        stamp.write_text(wanted)
    return python
