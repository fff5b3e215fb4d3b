"""A certificate for the server, and who has to be trusted for it."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    chain: Path
    key: Path
    bundle: Path
    """The authorities of the system and ours: clients read as many as they always do."""


def certificate(python: str, folder: Path) -> Certificate:
    """A new one for 127.0.0.1, by a Python that has trustme."""
    folder.mkdir(exist_ok=True)
    command = [python, "-m", "trustme", "--quiet", "--dir", str(folder), "--identities"]
    subprocess.run([*command, "127.0.0.1"], check=True)
    systems = ssl.get_default_verify_paths().cafile
    bundle = folder / "bundle.pem"
    authorities = [Path(systems).read_bytes()] if systems else []
    bundle.write_bytes(b"\n".join([*authorities, (folder / "client.pem").read_bytes()]))
    return Certificate(folder / "server.pem", folder / "server.key", bundle)
