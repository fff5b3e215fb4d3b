"""What the project does with itself: `python -m nox -l` lists the sessions."""

import os
import shutil
import tempfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.2"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["quickstart", "tests", "lint", "types", "floors", "docs", "build"]

PYPROJECT = nox.project.load_toml("pyproject.toml")
PACKAGE = "healthimaging_sdk"
EVERYTHING = ".[emulator,opentelemetry,speedups]"
WORKERS = ["-n", str(min(4, os.cpu_count() or 1))]
# No Python that the tests start looks into the checkout, and a test makes sure of it. Only the
# examples look beside themselves, for each other.
THE_WHEEL = {
    "PYTHONSAFEPATH": "1",
    "PYTHONPATH": str(Path("examples").absolute()),
    "TEST_THE_INSTALLED_WHEEL": "1",
}


def group(name: str) -> list[str]:
    return list(nox.project.dependency_groups(PYPROJECT, name))


@nox.session
def quickstart(session: nox.Session) -> None:
    """The main job from end to end, on real DICOM files, against the emulator."""
    session.install(EVERYTHING, *group("quickstart"))
    session.run("python", "examples/quickstart.py", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """All tests, against the installed wheel, with line and branch coverage."""
    session.install(EVERYTHING, *group("tests"))
    pytest = str(Path(session.bin) / "pytest")
    session.run("coverage", "erase")
    session.run("coverage", "run", pytest, *(session.posargs or WORKERS), env=THE_WHEEL)
    session.run("coverage", "combine", "--quiet")
    session.run(
        "coverage", "report", "--skip-covered", *(["--fail-under=0"] * bool(session.posargs))
    )


@nox.session
def lowest(session: nox.Session) -> None:
    """All tests, with the oldest libraries that the package and its extras allow."""
    session.install(*group("lowest"))
    pins = in_build("lowest.txt")
    oldest = ["--resolution", "lowest-direct", "--all-extras", "--output-file", pins]
    session.run("uv", "pip", "compile", "--quiet", *oldest, "pyproject.toml")
    session.run("uv", "pip", "install", "--requirements", pins, "--group", "tests")
    session.install("--no-deps", ".")
    session.run("pytest", *(session.posargs or WORKERS), env=THE_WHEEL)


@nox.session
def newest(session: nox.Session) -> None:
    """All tests, with the newest of everything, and pre-releases of what the package needs."""
    eagerly = ["--upgrade", "--upgrade-strategy", "eager"]
    session.install(*eagerly, EVERYTHING, *group("tests"))
    session.install(*eagerly, "--pre", EVERYTHING)
    session.run("pytest", *(session.posargs or WORKERS), env=THE_WHEEL)


@nox.session
def ray(session: nox.Session) -> None:
    """The example for Ray, which is too large to be installed for every run of the tests."""
    session.install(EVERYTHING, *group("tests"), *group("ray"))
    session.run("pytest", "tests/test_example_clusters.py", *session.posargs)


@nox.session
def witness(session: nox.Session) -> None:
    """Other clients: aiobotocore drives the emulator; the README's comparison is run again."""
    session.install(EVERYTHING, "aiobotocore", "boto3", "capo-medical-imaging>=0.10")
    session.run("python", "tests/witness/aiobotocore_reads.py")
    session.run("python", "-m", "compared", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def fuzz(session: nox.Session) -> None:
    """Bytes of all kinds for the emulator, for a minute; `-- -max_total_time=600` for longer."""
    session.install(EVERYTHING, "atheris")
    options = session.posargs or ["-max_total_time=60"]
    findings = f"-artifact_prefix={session.create_tmp()}/"
    session.run("python", "tests/fuzz/fuzz_emulator.py", findings, *options)


@nox.session
def bench(session: nox.Session) -> None:
    """CPU per call next to the peers'; `-- --quick` for a rough look."""
    session.run("python", "-m", "benchmarks", *session.posargs)  # it installs whom it measures


@nox.session
def lint(session: nox.Session) -> None:
    """Style, and mistakes that can be seen without running anything; workflows too."""
    session.install(*group("lint"))
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("zizmor", "--offline", "--pedantic", "--strict-collection", ".github")


@nox.session
def types(session: nox.Session) -> None:
    """mypy and pyright, both strict, over package, tests and examples."""
    session.install("-e", EVERYTHING, *group("tests"), *group("types"))
    session.run("mypy")
    session.run("pyright", "--pythonpath", str(Path(session.bin) / "python"))


@nox.session
def more_types(session: nox.Session) -> None:
    """pyrefly and ty over what users see: the same results, and the same wrong calls."""
    session.install(EVERYTHING, "pyrefly", "ty")
    session.run("pyrefly", "check", "tests/typing/api.py")
    session.run("python", "tests/typing/by_ty.py")


@nox.session
def floors(session: nox.Session) -> None:
    """Lower floors import no higher ones, and each library has one door."""
    session.install("-e", EVERYTHING, *group("floors"))
    session.run("lint-imports", "--no-cache")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation into build/docs; a warning is an error, and so is a link to nothing."""
    session.install("-e", EVERYTHING, *group("docs"))
    strictly = ["-W", "--keep-going", "-n", "-q", "-d", str(Path(session.create_tmp(), "doctrees"))]
    session.run("sphinx-build", *strictly, "docs", "build/docs")


@nox.session
def build(session: nox.Session) -> None:
    """Wheel and sources into dist/, twice with the same bytes, and their SBOM into build/."""
    session.install(*group("build"))
    sbom = in_build("healthimaging-sdk.cdx.json")
    with tempfile.TemporaryDirectory() as folder:
        again, runtime = Path(folder, "again"), Path(folder, "runtime")
        env = {"SOURCE_DATE_EPOCH": last_change(session)}
        shutil.rmtree("dist", ignore_errors=True)
        session.run("python", "-m", "build", "--no-isolation", env=env)
        (sources,) = Path("dist").glob("*.tar.gz")
        shutil.unpack_archive(sources, again, filter="data")
        (copy,) = again.iterdir()
        session.run("python", "-m", "build", "--no-isolation", str(copy), env=env)
        session.run("twine", "check", "--strict", *map(str, Path("dist").iterdir()))
        session.run("check-wheel-contents", "--package", PACKAGE, "dist")

        name = PYPROJECT["project"]["name"]
        session.run("python", "-m", "venv", "--without-pip", str(runtime))
        pip = ["python", "-m", "pip", "--quiet", "--python", str(runtime), "install"]
        session.run(*pip, "--no-index", "--no-deps", "--find-links", "dist", name)
        session.run(*pip, name)
        python = str(runtime / "bin" / "python")
        without_extras = f"from {PACKAGE} import HealthImagingClient"
        session.run(python, "-I", "-W", "error", "-c", without_extras, external=True)
        reproducibly = ["--output-reproducible", "--output-file", sbom]
        session.run("cyclonedx-py", "environment", *reproducibly, python, env=env)
        session.run("python", "tools/check_distributions.py", "dist", str(copy / "dist"), sbom)


def in_build(name: str) -> str:
    Path("build").mkdir(exist_ok=True)
    return str(Path("build", name))


def last_change(session: nox.Session) -> str:
    """When the last commit was made, in seconds since 1970; hatchling's own date without git."""
    if not Path(".git").exists():
        return "1580601600"
    log = ("git", "log", "-1", "--format=%ct")
    return str(session.run(*log, external=True, silent=True)).strip()


@nox.session
def audit(session: nox.Session) -> None:
    """Known vulnerabilities of what the package and its extras install; asks pypi.org for them."""
    session.install(*group("audit"))
    pins = in_build("runtime.txt")
    resolved = ["--all-extras", "--generate-hashes", "--output-file", pins]
    session.run("uv", "pip", "compile", "--quiet", "--upgrade", *resolved, "pyproject.toml")
    session.log("A package that was 'not found' means that pypi.org did not answer for it.")
    session.run("pip-audit", "--strict", "--disable-pip", "--require-hashes", "--requirement", pins)


@nox.session
def drift(session: nox.Session) -> None:
    """What the newest botocore says of the service otherwise than our models and cards."""
    session.install("--upgrade", "--upgrade-strategy", "eager", ".")
    session.run("python", "tools/drift.py", env={"PYTHONPATH": "tests"})


@nox.session
def api(session: nox.Session) -> None:
    """What breaks users' programs since the last release; it may, where the version says so."""
    session.install(*group("api"))
    session.run("python", "tools/api_breaks.py")


@nox.session
def changelog(session: nox.Session) -> None:
    """What the next release will say; `-- 1.2.3` writes it into CHANGELOG.md."""
    session.install(*group("changelog"))
    if session.posargs:
        session.run("towncrier", "build", "--yes", "--version", session.posargs[0])
    else:
        session.run("towncrier", "build", "--draft", "--version", "Unreleased")
