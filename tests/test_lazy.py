"""Modules that are imported when they are first used."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Semaphore
from types import ModuleType

import pytest

from healthimaging_sdk._lazy import LazyModule

THREADS = 8

# Its last name is there when all threads have come to use it.
BODY = """
from arrivals import arrivals, threads
for _ in range(threads):
    assert arrivals.acquire(timeout=60)
from fractions import Fraction
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "used_late", raising=False)
    return tmp_path / "used_late.py"


def test_a_module_is_imported_when_one_of_its_names_is_used(path: Path) -> None:
    path.write_text("name = 'value'")
    module = LazyModule("used_late")
    assert "used_late" not in sys.modules
    assert module.name == "value"
    assert "used_late" in sys.modules


def test_threads_that_use_a_module_at_once_all_get_it_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text(BODY)
    arrivals = Semaphore(0)
    shared = ModuleType("arrivals")
    vars(shared).update(arrivals=arrivals, threads=THREADS)
    monkeypatch.setitem(sys.modules, "arrivals", shared)
    module = LazyModule("used_late")

    def use(_: int) -> object:
        arrivals.release()
        return module.Fraction

    with ThreadPoolExecutor(THREADS) as threads:
        found = set(threads.map(use, range(THREADS)))
    assert found == {vars(sys.modules["used_late"])["Fraction"]}


def test_a_name_that_is_not_there_is_told_as_the_module_tells_it() -> None:
    with pytest.raises(AttributeError, match="module 'json' has no attribute 'nothing'"):
        _ = LazyModule("json").nothing
