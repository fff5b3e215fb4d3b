"""A change that breaks users' programs does not pass without a version that says so."""

import subprocess
from pathlib import Path

import pytest
from running_tools import run_tool

FUNCTION = "def answer(question: str, *, loudly: bool = False) -> int:\n    return 42\n"


class Repository:
    """A package of the same name, with a history of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "healthimaging_sdk").mkdir()
        self.git("init", "--quiet")

    def git(self, *arguments: str) -> None:
        who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.com"]
        subprocess.run(["git", *who, *arguments], cwd=self.folder, check=True)

    def write(self, code: str, *, version: str) -> None:
        package = self.folder / "healthimaging_sdk"
        (package / "__init__.py").write_text(code)
        (package / "_version.py").write_text(f'__version__ = "{version}"\n')

    def release(self, code: str, *, version: str) -> None:
        self.write(code, version=version)
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", version)
        self.git("tag", f"v{version}")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_without_a_release_there_is_nothing_to_break(repository: Repository) -> None:
    repository.write(FUNCTION, version="0.1.0")

    assert run_tool("api_breaks.py", repository.folder) == (
        0,
        "No release to compare with: the repository has no tag v*.\n",
    )


def test_additions_pass(repository: Repository) -> None:
    repository.release(FUNCTION, version="1.0.0")
    repository.write(f"{FUNCTION}\n\ndef more() -> None: ...\n", version="1.0.0")

    assert run_tool("api_breaks.py", repository.folder) == (
        0,
        "0 breaking changes from v1.0.0 to 1.0.0.\n",
    )


@pytest.mark.parametrize(
    ("released", "current", "status"),
    [("0.1.0", "0.1.1", 1), ("0.1.0", "0.2.0", 0), ("1.2.0", "1.3.0", 1), ("1.2.0", "2.0.0", 0)],
)
def test_a_break_needs_a_version_that_says_so(
    repository: Repository, released: str, current: str, status: int
) -> None:
    repository.release(FUNCTION, version=released)
    repository.write(FUNCTION.replace("loudly", "quietly"), version=current)

    got, said = run_tool("api_breaks.py", repository.folder)

    assert got == status
    assert "- `answer(loudly)`: *Parameter was removed*" in said
