"""The benchmarks measure what they say. No test here looks at a time."""

import gzip
import json
import shutil
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from pydicom.data import get_testdata_file

import healthimaging_sdk
from healthimaging_sdk.emulator._dicom.instance import read_instance

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT))  # last, or the package would come from there too

from benchmarks import rows  # noqa: E402 - no package that is installed
from benchmarks.certificates import certificate  # noqa: E402
from benchmarks.clients.profiled import GROUPS, shares_of_imports  # noqa: E402
from benchmarks.content import image_set_id, write_answers  # noqa: E402
from benchmarks.environments import CLIENTS, Client  # noqa: E402
from benchmarks.report import Run, rewritten, tables  # noqa: E402
from benchmarks.rows import Row, Study  # noqa: E402
from benchmarks.sampling import Sample, samples_of  # noqa: E402
from benchmarks.server import Server, serving  # noqa: E402
from benchmarks.studies import STUDIES  # noqa: E402

SDK = replace(CLIENTS[rows.SDK], checkout=Path(healthimaging_sdk.__file__).parent.parent)
ANY = Study("", ())
CALLS = 8
AT_ONCE = 4
WORKS = {
    "get_image_set": rows.SETTLED,
    "get_image_frame": ("frame", 64),
    "metadata_to_bytes": ("document", 1),
    "metadata_to_dict": ("document", 1),
    "metadata_by_instance": ("document", 1),
    "metadata_to_file": ("document", 1),
    "iterate_versions": ("versions", 120),
    "wait": rows.LOCKED,
}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Answers, and the bytecode of the clients, for all tests."""
    folder = tmp_path_factory.mktemp("benchmarks")
    write_answers(folder / "answers", WORKS.values())
    return folder


def turns_of(
    row: Row, server: Server, work: Path, study: Study = ANY, **clients: Client
) -> dict[str, list[Sample]]:
    """Two turns of each client."""
    installed = {name: (client, sys.executable) for name, client in clients.items()}
    return samples_of(row, study, installed, server=server, work=work, turns=2)


def check_works(names: Iterable[str], server: Server, work: Path, client: Client = SDK) -> None:
    for name in names:
        row = Row(name, name, WORKS[name], CALLS, AT_ONCE)

        samples = turns_of(row, server, work, client=client)["client"]

        assert [each["connections"] for each in samples] == [AT_ONCE, AT_ONCE], name
        assert all(each["cpu_us"] > 0 for each in samples)


@pytest.fixture
def _no_nginx(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(name: str, path: str) -> None: ...

    monkeypatch.setattr(shutil, "which", nowhere)


@pytest.mark.usefixtures("_no_nginx")
def test_each_work_of_this_sdk_is_done_on_as_many_connections(work: Path) -> None:
    with serving(work / "answers", work) as server:
        check_works(WORKS, server, work)

    assert server.name == "asyncio"
    document = json.loads((work / "document.json").read_bytes())
    assert document["ImageSetID"] == image_set_id("document", 1)


def test_nginx_answers_like_our_server(work: Path) -> None:
    with serving(work / "answers", work) as server:
        if server.name != "nginx":
            pytest.skip("nginx is not installed")
        check_works(["get_image_frame", "metadata_to_dict", "iterate_versions"], server, work)


@pytest.mark.usefixtures("_no_nginx")
def test_our_server_answers_over_tls(work: Path) -> None:
    with serving(work / "answers", work, certificate(sys.executable, work / "tls")) as server:
        assert server.url.startswith("https://")
        check_works(["get_image_frame"], server, work)


def test_nginx_answers_over_tls(work: Path) -> None:
    with serving(work / "answers", work, certificate(sys.executable, work / "tls")) as server:
        if server.name != "nginx":
            pytest.skip("nginx is not installed")
        check_works(["get_image_frame"], server, work)


@pytest.mark.parametrize("name", [rows.PLAIN, rows.PATIENT, rows.BARE, rows.LIBRARIES])
def test_clients_that_share_our_environment_work(name: str, work: Path) -> None:
    client = replace(CLIENTS[name], checkout=SDK.checkout)
    (work / "document.json").unlink(missing_ok=True)
    with serving(work / "answers", work) as server:
        works = ["get_image_set", "metadata_to_dict", "metadata_to_file", "iterate_versions"]
        check_works(works, server, work, client)

    document = json.loads((work / "document.json").read_bytes())
    assert document["ImageSetID"] == image_set_id("document", 1)


def test_clients_take_turns_in_processes_that_live_on(work: Path) -> None:
    bare = replace(CLIENTS[rows.BARE], checkout=SDK.checkout)
    row = Row("row", "get_image_set", rows.SETTLED, CALLS, AT_ONCE)
    with serving(work / "answers", work) as server:
        samples = turns_of(row, server, work, ours=SDK, theirs=bare)

    for name in ("ours", "theirs"):
        assert [each["connections"] for each in samples[name]] == [AT_ONCE, AT_ONCE], name


def test_each_turn_of_a_start_is_a_process_of_its_own(work: Path) -> None:
    row = Row("row", "get_image_set", rows.SETTLED, 1, of_start=True)
    with serving(work / "answers", work) as server:
        samples = turns_of(row, server, work, client=SDK)["client"]

    assert [each["connections"] for each in samples] == [1, 1]


@pytest.mark.parametrize("client", [SDK, replace(SDK, script="nowhere.py")])
def test_a_client_that_fails_ends_the_run(client: Client, work: Path) -> None:
    row = Row("row", "a work that nobody has", rows.SETTLED, 1)
    with (
        serving(work / "answers", work) as server,
        pytest.raises(SystemExit, match=rf"{client.script} failed at row"),
    ):
        turns_of(row, server, work, client=client)


def test_a_module_belongs_to_a_group_or_to_whoever_imported_it_first() -> None:
    report = """import time: self [us] | cumulative | imported package
import time:        10 |         10 | site
import time:         1 |          1 |     email
import time:         2 |          3 |   urllib3
import time:         4 |          4 |   dateutil
import time:        20 |         27 | botocore.auth
a warning of somebody
import time:        30 |         30 |     weakref
import time:         3 |         33 |   asyncio
import time:         5 |         38 | aiohttp
"""

    shares = shares_of_imports(report, process_us=100)

    assert list(shares) == list(GROUPS)
    assert {name: share for name, share in shares.items() if share} == {
        "botocore, signing": 0.27,
        "asyncio": 0.33,
        "aiohttp": 0.05,
        "the rest": pytest.approx(0.35),
    }


def test_a_start_is_profiled_by_its_imports(work: Path) -> None:
    row = Row("start", "get_image_set", rows.SETTLED, 1, of_start=True)
    study = Study("", (), figure="profile")
    with serving(work / "answers", work) as server:
        sample, _ = turns_of(row, server, work, study, client=SDK)["client"]

    assert sum(sample[name] for name in GROUPS) == pytest.approx(sample["cpu_us"])
    assert all(sample[name] > 0 for name in ("aiohttp", "botocore, signing", "this client"))


def test_a_document_has_the_size_that_its_row_says(tmp_path: Path) -> None:
    write_answers(tmp_path, [("document", 1)])

    (file,) = tmp_path.rglob("getImageSetMetadata")

    size = len(gzip.decompress(file.read_bytes()))
    assert 1_000_000 < size < 1_010_000


def test_a_document_is_one_of_a_real_slice_as_the_emulator_reads_it(tmp_path: Path) -> None:
    write_answers(tmp_path, [("document", 1)])
    (file,) = tmp_path.rglob("getImageSetMetadata")
    document = json.loads(gzip.decompress(file.read_bytes()))
    real = read_instance(Path(str(get_testdata_file("CT_small.dcm"))))
    (series,) = document["Study"]["Series"].values()

    instance = next(iter(series["Instances"].values()))

    shared = instance["DICOM"].keys() & real.instance.keys()
    kinds = {key: kind(instance["DICOM"][key]) for key in shared}
    assert len(shared) >= len(instance["DICOM"]) - 4
    assert kinds == {key: kind(real.instance[key]) for key in shared}
    assert instance["DICOMVRs"].items() <= real.vrs.items()


def kind(value: object) -> object:
    if isinstance(value, list):
        return [type(each) for each in cast("list[object]", value)]
    return type(value)


def test_a_ratio_is_of_neighbouring_samples_and_is_held_against_the_aim() -> None:
    row = Row("row", "", rows.SETTLED, 1, targets={("sdk", "capo"): 0.5, ("sdk", "boto3"): 0.5})
    samples = {
        "sdk": [{"cpu_us": each} for each in (10.0, 400.0, 20.0)],
        "capo": [{"cpu_us": each} for each in (20.0, 1000.0, 30.0)],
        "boto3": [{"cpu_us": each} for each in (10.0, 1000.0, 10.0)],
    }
    run = Run("command", "peers", "nginx", {}, {"row": samples})

    lines = list(tables(Study("title", (row,)), run))

    assert "| row | 20 | 10 | 30 |" in lines
    assert "| row | sdk | capo | 0.50 | 0.50 | reached |" in lines
    assert "| row | sdk | boto3 | 1.00 | 0.50 | **missed** |" in lines


def test_tables_are_replaced_and_prose_is_kept() -> None:
    page = "before\n<!-- lag -->\n\nold\n\n<!-- /lag -->\nafter\n"

    once = rewritten(page, "lag", "new")

    assert once == "before\n<!-- lag -->\n\nnew\n\n<!-- /lag -->\nafter\n"
    assert rewritten(once, "lag", "new") == once
    with pytest.raises(SystemExit, match="no place for growth"):
        rewritten(page, "growth", "new")


@pytest.mark.parametrize("name", STUDIES)
def test_the_page_has_a_place_for_each_study(name: str) -> None:
    page = (ROOT / "docs" / "performance.md").read_text()

    assert rewritten(page, name, "new") != page


def test_no_two_rows_of_a_study_have_one_name() -> None:
    for study in STUDIES.values():
        names = [row.name for row in study.rows]
        assert len(names) == len(set(names))
