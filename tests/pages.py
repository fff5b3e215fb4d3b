"""What the README and the documentation show, page by page."""

import subprocess
import sys
from pathlib import Path

from attrs import frozen
from markdown_it import MarkdownIt

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
DOCS = ROOT / "docs"
PAGES = [README, *sorted(DOCS.rglob("*.md"))]


@frozen
class Block:
    """A fenced block: of code in a language, or a directive such as `{literalinclude}`."""

    page: str
    line: int
    """Of its first line of code, counted from 1."""
    language: str
    argument: str
    code: str

    @property
    def is_a_test(self) -> bool:
        return "def test_" in self.code


def blocks_in(text: str, page: str) -> list[Block]:
    """All code of a page; indented code has no language."""
    return [
        Block(
            page,
            token.map[0] + (2 if token.type == "fence" else 1),
            token.info.partition(" ")[0],
            token.info.partition(" ")[2],
            token.content,
        )
        for token in MarkdownIt("commonmark").parse(text)
        if token.type in {"fence", "code_block"} and token.map
    ]


def blocks(page: Path, language: str | None = None) -> list[Block]:
    found = blocks_in(page.read_text(), str(page.relative_to(ROOT)))
    return [each for each in found if language in (None, each.language)]


def run_tests(found: list[Block], folder: Path) -> None:
    """Each in a file of its own, by a pytest of its own."""
    for number, each in enumerate(found):
        (folder / f"test_block_{number}.py").write_text(each.code)
    options = ["-q", "-W", "error", "-o", "asyncio_default_fixture_loop_scope=function"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(folder)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(found)} passed" in done.stdout
