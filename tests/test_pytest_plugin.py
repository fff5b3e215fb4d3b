"""The fixtures for others' tests, as their test runs see them."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ASYNC_TESTS = """
import shutil
import pytest

{decorator}
async def test_the_client_reaches_the_emulator(healthimaging_emulator, healthimaging_client):
    created = await healthimaging_client.create_datastore(datastore_name="mine")
    await healthimaging_client.wait_until_datastore_active(created.datastore_id, timeout=10)
    asked = [entry.operation for entry in healthimaging_emulator.journal.entries()]
    assert asked[:2] == ["CreateDatastore", "GetDatastore"]

{decorator}
async def test_the_samples_can_be_imported(
    healthimaging_emulator, healthimaging_client, dicom_samples
):
    shutil.copytree(dicom_samples, healthimaging_emulator.buckets["input"] / "study")
    created = await healthimaging_client.create_datastore()
    store = created.datastore_id
    await healthimaging_client.wait_until_datastore_active(store, timeout=10)
    job = await healthimaging_client.start_dicom_import_job(
        store,
        data_access_role_arn="arn:aws:iam::123456789012:role/importer",
        input_s3_uri="s3://input/study/",
        output_s3_uri="s3://output/",
    )
    await healthimaging_client.wait_until_dicom_import_job_completed(store, job.job_id, timeout=10)
    assert len([each async for each in healthimaging_client.iter_image_sets(store)]) == 5
"""


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:cacheprovider", *options)


@pytest.mark.parametrize(
    ("mode", "decorator"),
    [("auto", ""), ("strict", "@pytest.mark.asyncio")],
    ids=["auto", "strict"],
)
def test_the_client_works_in_both_modes_of_pytest_asyncio(
    pytester: pytest.Pytester, mode: str, decorator: str
) -> None:
    pytester.makepyfile(ASYNC_TESTS.format(decorator=decorator))

    scope = "asyncio_default_fixture_loop_scope=function"
    result = run(pytester, f"--asyncio-mode={mode}", "-W", "error", "-o", scope)

    result.assert_outcomes(passed=2)


def test_without_pytest_asyncio_the_client_says_what_is_missing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_a_client(healthimaging_client): ...
        def test_no_client(healthimaging_emulator): ...
        """
    )

    result = run(pytester, "-p", "no:asyncio")

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*healthimaging_client needs pytest-asyncio: pip install*"])


def test_the_samples_are_made_once_for_a_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pydicom, pytest

        seen = set()

        @pytest.mark.parametrize("time", [1, 2])
        def test_samples(dicom_samples, time):
            seen.add(dicom_samples)
            assert len(seen) == 1
            kinds = {}
            for file in dicom_samples.iterdir():
                dataset = pydicom.dcmread(file)
                kinds.setdefault(dataset.Modality, []).append(dataset)
            assert {kind: len(files) for kind, files in kinds.items()} == {
                "CT": 2, "MR": 3, "XC": 1, "SR": 1
            }
            assert kinds["XC"][0].pixel_array.shape == (64, 64, 3)
            assert any(each.get("NumberOfFrames") == 4 for each in kinds["MR"])
        """
    )

    run(pytester).assert_outcomes(passed=2)


UNUSED = """
import sys

def test_nothing(pytestconfig):
    loaded = {name.partition(".")[0] for name in sys.modules}
    assert pytestconfig.pluginmanager.hasplugin("healthimaging_sdk.pytest_plugin")
    assert loaded.isdisjoint(
        {"aiohttp", "attr", "botocore", "cattrs", "imagecodecs", "numpy", "pydicom", "tenacity"}
    )
    assert {name for name in sys.modules if name.startswith("healthimaging_sdk")} == {
        "healthimaging_sdk",
        "healthimaging_sdk.pytest_plugin",
        "healthimaging_sdk._collector",
        "healthimaging_sdk._pytest_client",
    }
"""


def test_a_run_that_does_not_use_the_plugin_imports_nothing_for_it(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(UNUSED)

    plugins = ("pytest_asyncio", "healthimaging_sdk.pytest_plugin")
    result = pytester.runpytest_subprocess(*(each for name in plugins for each in ("-p", name)))

    result.assert_outcomes(passed=1)


WITHOUT = """
import sys
from importlib.abc import MetaPathFinder

class Absent(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
{then}
"""


def without(missing: str, then: str) -> "subprocess.CompletedProcess[str]":
    """The outcome of a program where a library is not installed."""
    program = WITHOUT.format(missing=missing, then=then)
    return subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )


@pytest.mark.parametrize("missing", ["imagecodecs", "numpy", "pydicom"])
def test_a_missing_extra_is_named(missing: str) -> None:
    outcome = without(missing, "from healthimaging_sdk.emulator import Emulator")

    assert outcome.stderr.splitlines()[-1].endswith(
        f"the emulator needs {missing}: pip install 'healthimaging-sdk[emulator]'"
    )


def test_the_program_names_the_missing_extra_and_nothing_else() -> None:
    then = "import runpy; runpy.run_module('healthimaging_sdk.emulator', run_name='__main__')"
    outcome = without("pydicom", then)

    assert outcome.returncode == 1
    assert outcome.stderr == (
        "the emulator needs pydicom: pip install 'healthimaging-sdk[emulator]'\n"
    )


def test_another_missing_module_is_not_called_an_extra() -> None:
    outcome = without("aiohttp", "from healthimaging_sdk.emulator import Emulator")

    assert outcome.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'aiohttp'"


def test_the_client_needs_no_extra() -> None:
    then = "from healthimaging_sdk import HealthImagingClient, parse_event"
    assert without("pydicom", then).returncode == 0


def test_a_fixture_names_the_missing_extra(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(WITHOUT.format(missing="pydicom", then=""))
    pytester.makepyfile("def test_it(healthimaging_emulator): ...")

    result = run(pytester)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*the emulator needs pydicom: pip install*"])


def test_the_entry_point_is_the_plugin(pytestconfig: pytest.Config) -> None:
    plugin = pytestconfig.pluginmanager.get_plugin("healthimaging_sdk")

    assert plugin is not None
    assert Path(plugin.__file__).name == "pytest_plugin.py"
