"""A release has the version that its tag says, and a section in the changelog."""

from pathlib import Path

import pytest
from running_tools import run_tool

CHANGELOG = """# Changelog

<!-- releases -->
## 0.2.0 (2026-03-01)

### New

- The second thing.

## 0.1.0 (2026-02-01)

- The first thing.
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Just before the tag v0.2.0."""
    (tmp_path / "changelog.d").mkdir()
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    (tmp_path / "healthimaging_sdk").mkdir()
    (tmp_path / "healthimaging_sdk" / "_version.py").write_text('__version__ = "0.2.0"\n')
    return tmp_path


def test_the_notes_are_the_section_of_the_version(checkout: Path) -> None:
    said = run_tool("release_notes.py", "v0.2.0", checkout)

    assert said == (0, "### New\n\n- The second thing.\n")


def test_another_tag_is_no_release(checkout: Path) -> None:
    said = run_tool("release_notes.py", "v0.1.0", checkout)

    assert said == (1, "the tag is v0.1.0, the package's version 0.2.0\n")


def test_a_forgotten_fragment_is_no_release(checkout: Path) -> None:
    (checkout / "changelog.d" / "+third.added.md").write_text("The third thing.\n")

    said = run_tool("release_notes.py", "v0.2.0", checkout)

    assert said == (1, "not yet in the changelog: +third.added.md\n")


def test_a_version_without_a_section_is_no_release(checkout: Path) -> None:
    (checkout / "CHANGELOG.md").write_text(CHANGELOG.replace("0.2.0", "0.20"))

    said = run_tool("release_notes.py", "v0.2.0", checkout)

    assert said == (1, "CHANGELOG.md has no section for 0.2.0\n")
