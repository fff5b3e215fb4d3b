"""When the service changes, the drift check says what changed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from running_tools import ROOT, run_tool
from service_model import load

# Where botocore looks for models before its own, below the home directory.
MODEL = ".aws/models/medical-imaging/2023-07-19"


def drift(folder: Path, change: Callable[[Any], None]) -> tuple[int, str]:
    """The check's answer to a service that has changed."""
    model = load("service-2")
    change(model)
    changed = folder / MODEL
    changed.mkdir(parents=True)
    (changed / "service-2.json").write_text(json.dumps(model))
    return run_tool("drift.py", PYTHONPATH=str(ROOT / "tests"), HOME=str(folder))


def test_no_drift_is_said_and_passes(tmp_path: Path) -> None:
    status, said = drift(tmp_path, lambda model: None)

    assert status == 0
    assert "the same 18 operations" in said


def test_each_change_is_said_in_plain_words(tmp_path: Path) -> None:
    def change(model: Any) -> None:
        operations, shapes = model["operations"], model["shapes"]
        operations["GetWeather"] = {**operations["GetDatastore"], "name": "GetWeather"}
        operations["GetDatastore"]["errors"].append({"shape": "ConflictException"})
        operations["TagResource"]["errors"].append({"shape": "StormException"})
        shapes["StormException"] = {**shapes["ConflictException"]}
        shapes["DatastoreSummary"]["members"]["weather"] = {"shape": "String"}
        shapes["ImageSetState"]["enum"].append("FROZEN")
        shapes["DatastoreId"]["pattern"] = "[0-9]{9}"

    status, said = drift(tmp_path, change)

    assert status == 1
    lines = said.splitlines()
    assert "- operation GetWeather is missing" in lines
    assert "- error StormException is missing" in lines
    assert "- member of DatastoreSummary weather is missing" in lines
    assert "- GetDatastore errors: the service adds ConflictException" in lines
    assert "- TagResource errors: the service adds StormException" in lines
    assert "- ImageSetState members: the service adds FROZEN=FROZEN" in lines
    assert any(
        line.startswith("- GetDatastoreRequest.datastore_id constraint: ours")
        and "[0-9]{9}" in line
        for line in lines
    )


def test_types_that_nobody_has_seen_are_said_too(tmp_path: Path) -> None:
    def change(model: Any) -> None:
        shapes = model["shapes"]
        shapes["Weather"] = {"type": "structure", "members": {}}
        shapes["Wind"] = {"type": "string", "enum": ["CALM"]}
        shapes["Degrees"] = {"type": "double"}
        shapes["DatastoreSummary"]["members"]["createdAt"] = {"shape": "Weather"}
        shapes["DatastoreSummary"]["members"]["updatedAt"] = {"shape": "Degrees"}
        shapes["ListDatastoresRequest"]["members"]["datastoreStatus"]["shape"] = "Wind"

    status, said = drift(tmp_path, change)

    assert status == 1
    assert "- DatastoreSummary.created_at type: ours" in said
    assert "- DatastoreSummary.updated_at type: ours" in said
    assert "- ListDatastoresRequest.datastore_status constraint: ours" in said
