"""What `nox -s build` refuses."""

import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest
from running_tools import run_tool

INFO = "healthimaging_sdk-1.0.dist-info"
WHEEL = {
    "healthimaging_sdk/__init__.py": "",
    "healthimaging_sdk/py.typed": "",
    f"{INFO}/METADATA": "Requires-Dist: attrs>=25\nRequires-Dist: numpy; extra == 'emulator'\n",
}
SOURCES = ("healthimaging_sdk/__init__.py", "tests/test_all.py", "README.md")


def build(folder: Path, wheel: dict[str, str], sources: tuple[str, ...] = SOURCES) -> Path:
    folder.mkdir()
    with zipfile.ZipFile(folder / "healthimaging_sdk-1.0-py3-none-any.whl", "w") as archive:
        for name, text in wheel.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    with (
        io.BytesIO() as file,
        tarfile.open(folder / "healthimaging_sdk-1.0.tar.gz", "w") as archive,
    ):
        for name in sources:
            archive.addfile(tarfile.TarInfo(f"healthimaging_sdk-1.0/{name}"), file)
    return folder


def bill(folder: Path, *names: str) -> Path:
    file = folder / "sbom.json"
    file.write_text(json.dumps({"components": [{"name": name} for name in names]}))
    return file


def test_two_equal_builds_pass_with_their_digests(tmp_path: Path) -> None:
    sbom = bill(tmp_path, "healthimaging-sdk", "attrs")

    status, said = run_tool(
        "check_distributions.py", build(tmp_path / "1", WHEEL), build(tmp_path / "2", WHEEL), sbom
    )

    assert status == 0, said
    assert said.count("sha256:") == 2


@pytest.mark.parametrize(
    "stray", ["tests/test_all.py", "healthimaging_sdk/key.pem", "benchmarks/__init__.py"]
)
def test_a_stray_file_in_the_wheel_is_refused(tmp_path: Path, stray: str) -> None:
    folder = build(tmp_path / "1", {**WHEEL, stray: ""})

    status, said = run_tool(
        "check_distributions.py", folder, folder, bill(tmp_path, "healthimaging-sdk", "attrs")
    )

    assert (status, f"{stray} does not belong there" in said) == (1, True)


def test_everything_else_that_is_wrong_is_said(tmp_path: Path) -> None:
    untyped = {name: text for name, text in WHEEL.items() if not name.endswith("py.typed")}
    one = build(tmp_path / "1", untyped, (*SOURCES, "secrets/key"))
    other = build(tmp_path / "2", WHEEL)

    status, said = run_tool("check_distributions.py", one, other, bill(tmp_path, "attrs"))

    assert status == 1
    assert sorted(line.partition(": ")[2] for line in said.splitlines()) == [
        "healthimaging-sdk is missing",
        "healthimaging_sdk/py.typed is missing",
        "secrets does not belong there",
        "two builds of the same sources differ",
        "two builds of the same sources differ",
    ]
