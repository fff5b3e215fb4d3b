"""What the documentation shows works: every block of Python in it is run, page by page.

The blocks of a page are run one after the other in one namespace, as somebody would type them
who has a client and an image set; tests among them are run by pytest.
"""

import ast
import inspect
import logging
import re
import runpy
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pages import DOCS, PAGES, README, ROOT, Block, blocks, blocks_in, run_tests

from healthimaging_sdk import HealthImagingClient
from healthimaging_sdk.emulator import Emulator, sample_datasets

RUN_BY_OTHER_TESTS = {README: "test_readme.py", DOCS / "emulator.md": "test_emulator_docs.py"}
NOT_PYTHON = {"sh", "text", "json"}
DIRECTIVES = {
    f"{{{name}}}"
    for name in (
        *("eval-rst", "floors", "image", "include", "literalinclude"),
        *("migration", "operations", "public", "toctree"),
    )
}
HERE = [page for page in PAGES if page not in RUN_BY_OTHER_TESTS and blocks(page, "python")]


def unrun(found: Iterable[Block]) -> list[str]:
    """The blocks that nothing runs and that could be Python."""
    known = {"python"} | NOT_PYTHON | DIRECTIVES
    return [
        f"{each.page}:{each.line}: {each.language or 'no language'}"
        for each in found
        if each.language not in known or re.search(r"\.\. (code|sourcecode|doctest)", each.code)
    ]


def test_no_python_is_left_unrun() -> None:
    assert [problem for page in PAGES for problem in unrun(blocks(page))] == []
    for page, test in RUN_BY_OTHER_TESTS.items():
        assert 'blocks(PAGE, "python")' in (Path(__file__).parent / test).read_text(), page
    assert len(HERE) > 10


@pytest.mark.parametrize(
    "text",
    [
        "```py\n1\n```",
        "```\n1\n```",
        "Text\n\n    1\n",
        "```{code-block} python\n1\n```",
        "```{eval-rst}\n.. code-block:: python\n\n   1\n```",
        "- ```python3\n  1\n  ```",
    ],
)
def test_what_would_be_left_unrun_is_noticed(text: str) -> None:
    assert len(unrun(blocks_in(text, "page.md"))) == 1


async def run_here(block: Block, namespace: dict[str, Any]) -> None:
    """With `await` at the top, and tracebacks that point into the page."""
    source = "\n" * (block.line - 1) + block.code
    code = compile(
        source, block.page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True
    )
    running = eval(code, namespace)
    if inspect.iscoroutine(running):
        await running


@pytest.fixture
def log_level() -> Iterator[None]:
    """A page may set it for good; the next test has the one before."""
    log = logging.getLogger("healthimaging_sdk")
    before = log.level
    yield
    log.setLevel(before)


@pytest.mark.usefixtures("log_level")
@pytest.mark.parametrize("page", HERE, ids=[str(page.relative_to(ROOT)) for page in HERE])
async def test_the_code_of_a_page_runs(
    page: Path,
    healthimaging_emulator: Emulator,
    healthimaging_client: HealthImagingClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in healthimaging_emulator.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    image_set_id, *_ = healthimaging_emulator.seed(None, sample_datasets().values())
    (datastore,) = (await healthimaging_client.list_datastores()).datastore_summaries
    namespace = {
        "__name__": page.stem,
        "client": healthimaging_client,
        "datastore_id": datastore.datastore_id,
        "image_set_id": image_set_id,
    }
    shown = blocks(page, "python")
    for each in shown:
        if not each.is_a_test:
            await run_here(each, namespace)
    tests = [each for each in shown if each.is_a_test]
    if tests:
        run_tests(tests, tmp_path)


def test_each_included_example_is_run_by_a_test() -> None:
    included = {
        Path(each.argument).name
        for page in PAGES
        for each in blocks(page, "{literalinclude}")
        if "examples/" in each.argument
    }
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))

    # With the name alone, or as the module that a test imports or runs.
    assert len(included) > 5
    assert {name for name in included if not re.search(rf"\b{Path(name).stem}\b", tests)} == set()


def test_each_command_can_be_given() -> None:
    sessions = re.findall(r"@nox\.session.*?\ndef (\w+)", (ROOT / "noxfile.py").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    shown = [
        line.split("#")[0]
        for page in PAGES
        if page not in RUN_BY_OTHER_TESTS
        for each in blocks(page, "sh")
        for line in each.code.splitlines()
    ]
    for line in shown:
        named = re.findall(r"nox -s ([\w ]+)", line)
        extras = re.findall(r"\[([\w,]+)\]", line)
        assert named or extras, line
        assert set(" ".join(named).split()) <= set(sessions), line
        assert set(",".join(extras).split(",")) - {""} <= set(project["optional-dependencies"])


def texts(svg: str) -> str:
    """All words that are written: times, counts and folders are those of a machine and a day."""
    written = "".join(re.findall(r">([^<]+)</text>", svg)).replace("&#160;", "")
    return re.sub(r"[\s0-9:]|/\S*/", "", written)


def test_the_picture_of_the_quickstart_is_what_it_prints() -> None:
    drawing = runpy.run_path(str(DOCS / "images" / "draw_quickstart.py"))

    now = texts(drawing["draw"]())

    assert "became" in now
    assert now == texts(drawing["PICTURE"].read_text())
