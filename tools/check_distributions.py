"""Two builds are the same, hold what they should, and their bill of materials is whole.

python tools/check_distributions.py FOLDER FOLDER SBOM
"""

import email
import hashlib
import json
import re
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

IN_THE_WHEEL = re.compile(
    r"healthimaging_sdk/(?:\w+/)*\w+\.(?:py|css)"
    r"|healthimaging_sdk/py\.typed"
    r"|healthimaging_sdk-[^/]+\.dist-info/(?:METADATA|RECORD|WHEEL|entry_points\.txt|licenses/LICENSE)"
)
NEVER_MISSING = ("healthimaging_sdk/py.typed", "healthimaging_sdk/__init__.py")
AT_THE_TOP_OF_THE_SOURCES = {
    *(".ci", ".github", "changelog.d", "tools"),
    *("benchmarks", "docs", "examples", "healthimaging_sdk", "tests"),
    *(".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md"),
    *("PKG-INFO", "noxfile.py", "pyproject.toml"),
}


def main(first: Path, second: Path, sbom: Path) -> int:
    problems = [
        *unequal(first, second),
        *wrong_in_wheel(first),
        *wrong_in_sources(first),
        *missing_in(sbom, first),
    ]
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        for name, digest in digests(first).items():
            print(f"sha256:{digest}  {name}")
    return 1 if problems else 0


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of each distribution in a folder."""
    files = sorted([*folder.glob("*.whl"), *folder.glob("*.tar.gz")])
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def unequal(first: Path, second: Path) -> Iterator[str]:
    one, other = digests(first), digests(second)
    if len(one) != 2:
        yield f"{first} should hold one wheel and one archive of sources: {[*one]}"
    for name in one.keys() | other.keys():
        if one.get(name) != other.get(name):
            yield f"{name}: two builds of the same sources differ"


def wrong_in_wheel(folder: Path) -> Iterator[str]:
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
        for name in names:
            if not IN_THE_WHEEL.fullmatch(name):
                yield f"{wheel.name}: {name} does not belong there"
        for name in NEVER_MISSING:
            if name not in names:
                yield f"{wheel.name}: {name} is missing"


def wrong_in_sources(folder: Path) -> Iterator[str]:
    for archive in folder.glob("*.tar.gz"):
        with tarfile.open(archive) as tar:
            names = tar.getnames()
        for top in sorted({name.split("/")[1] for name in names} - AT_THE_TOP_OF_THE_SOURCES):
            yield f"{archive.name}: {top} does not belong there"


def missing_in(sbom: Path, folder: Path) -> Iterator[str]:
    components = json.loads(sbom.read_text())["components"]
    there = {canonicalize_name(component["name"]) for component in components}
    for wheel in folder.glob("*.whl"):
        for name in sorted({"healthimaging-sdk", *needed_by(wheel)} - there):
            yield f"{sbom.name}: {name} is missing"


def needed_by(wheel: Path) -> Iterator[str]:
    """What an installation without extras brings along, by the wheel's own word."""
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        said = email.message_from_bytes(archive.read(metadata)).get_all("Requires-Dist", [])
    for requirement in map(Requirement, said):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield canonicalize_name(requirement.name)


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
