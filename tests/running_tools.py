"""Runs the programs in `tools`, which are for the sessions of nox."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
TOOLS = ROOT / "tools"


def run_tool(name: str, *arguments: object, **environment: str) -> tuple[int, str]:
    """Exit status, and what it printed."""
    done = subprocess.run(
        [sys.executable, str(TOOLS / name), *map(str, arguments)],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment},
        timeout=60,
    )
    return done.returncode, done.stdout
