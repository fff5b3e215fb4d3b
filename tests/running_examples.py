"""Examples as processes of their own at an emulator, and what their policies allow."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from healthimaging_sdk.emulator import Emulator

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"


def start(emulator: Emulator, command: list[str], **options: Any) -> "subprocess.Popen[str]":
    """Python with these arguments, in the folder of the examples."""
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=EXAMPLES,
        env={**os.environ, **emulator.environment, **options.pop("env", {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def run(emulator: Emulator, *command: str, **options: Any) -> tuple[int, str, str]:
    """Exit code, output and errors of an example that has ended."""
    process = start(emulator, list(command), **options)
    with process:
        output, errors = process.communicate(timeout=100)
    return process.returncode, output, errors


def called(emulator: Emulator) -> set[str]:
    """The actions that the emulator was asked for."""
    return {f"medical-imaging:{each.operation}" for each in emulator.journal.entries()}


def allowed(role: str) -> set[str]:
    """The actions of HealthImaging that the policy allows."""
    policy = json.loads((ROOT / "docs" / "iam" / f"{role}.json").read_text())
    actions: set[str] = set()
    for statement in policy["Statement"]:
        assert statement["Effect"] == "Allow"
        named = statement["Action"]
        actions.update([named] if isinstance(named, str) else named)
    return {action for action in actions if action.startswith("medical-imaging:")}
