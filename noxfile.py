"""What the project does with itself: `python -m nox -l` lists the sessions."""

import os
from pathlib import Path

import nox

nox.needs_version = ">=2025.2"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["quickstart", "tests", "lint", "types", "floors"]

PYPROJECT = nox.project.load_toml("pyproject.toml")
EVERYTHING = ".[emulator,speedups]"


def group(name: str) -> list[str]:
    return list(nox.project.dependency_groups(PYPROJECT, name))


@nox.session
def quickstart(session: nox.Session) -> None:
    """The main job from end to end, on real DICOM files, against the emulator."""
    session.install(EVERYTHING, *group("quickstart"))
    session.run("python", "examples/quickstart.py", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """All tests, against the installed package, with line and branch coverage."""
    session.install(EVERYTHING, *group("tests"))
    workers = ["-n", str(min(4, os.cpu_count() or 1))]
    pytest = str(Path(session.bin) / "pytest")
    session.run("coverage", "erase")
    session.run("coverage", "run", pytest, *(session.posargs or workers))
    session.run("coverage", "combine", "--quiet")
    session.run(
        "coverage", "report", "--skip-covered", *(["--fail-under=0"] * bool(session.posargs))
    )


@nox.session
def witness(session: nox.Session) -> None:
    """aiobotocore, with the botocore that it wants, drives the emulator."""
    session.install(EVERYTHING, "aiobotocore")
    session.run("python", "tests/witness/aiobotocore_reads.py")


@nox.session
def bench(session: nox.Session) -> None:
    """CPU per call next to the peers'; `-- --quick` for a rough look."""
    session.install(EVERYTHING)
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, and mistakes that can be seen without running anything."""
    session.install(*group("lint"))
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """mypy and pyright, both strict, over package, tests and examples."""
    session.install("-e", EVERYTHING, *group("tests"), *group("types"))
    session.run("mypy")
    session.run("pyright", "--pythonpath", str(Path(session.bin) / "python"))


@nox.session
def floors(session: nox.Session) -> None:
    """Lower floors import no higher ones, and each library has one door."""
    session.install("-e", EVERYTHING, *group("floors"))
    session.run("lint-imports", "--no-cache")
