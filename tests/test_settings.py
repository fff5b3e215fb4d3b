"""Arguments before environment before profile; and no botocore session without need."""

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import aws_sources
import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointProviderError
from botocore.loaders import Loader

from healthimaging_sdk._settings import Settings, open_settings
from healthimaging_sdk.errors import ParamValidationError

LOCAL = "http://127.0.0.1:4600"


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    aws_sources.isolate(monkeypatch, tmp_path)


def write_config(folder: Path, text: str) -> None:
    (folder / "config").write_text(dedent(text))


# ── Which source counts ───────────────────────────────────────────────────────


async def test_the_region_comes_from_argument_then_environment_then_profile(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_config(tmp_path, "[default]\nregion = us-west-1\n[profile other]\nregion = us-west-2\n")
    found = [(await open_settings()).region, (await open_settings(profile="other")).region]
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    found.append((await open_settings()).region)
    monkeypatch.setenv("AWS_REGION", "eu-west-2")
    found.append((await open_settings(profile="other")).region)
    found.append((await open_settings(region="ap-southeast-2")).region)
    assert found == ["us-west-1", "us-west-2", "eu-west-1", "eu-west-2", "ap-southeast-2"]


async def test_the_endpoint_comes_from_argument_then_environment_then_profile(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def found(endpoint_url: str | None = None) -> str:
        settings = await open_settings(region="us-east-1", endpoint_url=endpoint_url)
        return settings.endpoint.base_url()

    assert await found() == "https://medical-imaging.us-east-1.amazonaws.com"
    write_config(tmp_path, f"[default]\nendpoint_url = {LOCAL}/profile\n")
    assert await found() == f"{LOCAL}/profile"
    write_config(
        tmp_path,
        f"""
        [default]
        endpoint_url = {LOCAL}/profile
        services = local
        [services local]
        s3 =
          endpoint_url = {LOCAL}/s3
        medical_imaging =
          endpoint_url = {LOCAL}/services
        """,
    )
    assert await found() == f"{LOCAL}/services"
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"{LOCAL}/all")
    assert await found() == f"{LOCAL}/all"
    monkeypatch.setenv("AWS_ENDPOINT_URL_MEDICAL_IMAGING", f"{LOCAL}/one")
    assert await found() == f"{LOCAL}/one"
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert await found() == "https://medical-imaging.us-east-1.amazonaws.com"
    assert await found(f"{LOCAL}/argument") == f"{LOCAL}/argument"


async def test_a_profile_can_ignore_configured_endpoints(tmp_path: Path) -> None:
    lines = ["[default]", f"endpoint_url = {LOCAL}", "ignore_configured_endpoint_urls = true"]
    write_config(tmp_path, "\n".join(lines))
    settings = await open_settings(region="us-east-1")
    assert settings.endpoint.base_url() == "https://medical-imaging.us-east-1.amazonaws.com"


@pytest.mark.parametrize("fips", ["true", "False", None])
@pytest.mark.parametrize("dualstack", ["True", "false", None])
@pytest.mark.parametrize("endpoint_url", ["https://h.example", None])
async def test_hosts_and_contradictions_are_those_of_the_rule_set(
    fips: str | None,
    dualstack: str | None,
    endpoint_url: str | None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    parameters = {
        "Region": "us-east-1",
        "UseFIPS": fips == "true",
        "UseDualStack": dualstack == "True",
        "Endpoint": endpoint_url,
    }
    given = {
        "use_fips_endpoint": fips,
        "use_dualstack_endpoint": dualstack,
        "endpoint_url": endpoint_url,
    }
    present = {name: value for name, value in given.items() if value is not None}

    write_config(tmp_path, "\n".join(["[default]", *map(" = ".join, present.items())]))
    assert await our_host() == host_by_the_rules(**parameters)

    (tmp_path / "config").unlink()
    for name, value in present.items():
        monkeypatch.setenv(f"AWS_{name.upper()}", value)
    assert await our_host() == host_by_the_rules(**parameters)


async def our_host() -> str | None:
    try:
        return (await open_settings(region="us-east-1")).endpoint.base_url()
    except ParamValidationError:
        return None


def host_by_the_rules(**parameters: object) -> str | None:
    loader = Loader()
    rules = loader.load_service_model("medical-imaging", "endpoint-rule-set-1")
    provider = EndpointProvider(rules, loader.load_data("partitions"))
    try:
        return provider.resolve_endpoint(**parameters).url
    except EndpointProviderError:
        return None


async def test_an_argument_stands_above_what_environment_and_profile_want(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_config(tmp_path, "[default]\nuse_fips_endpoint = true\n")
    local = await open_settings(region="us-east-1", endpoint_url=LOCAL)
    assert local.endpoint.base_url("runtime-") == LOCAL

    monkeypatch.setenv("AWS_USE_DUALSTACK_ENDPOINT", "true")
    plain = await open_settings(region="us-east-1", use_fips=False, use_dualstack=False)
    assert plain.endpoint.base_url() == "https://medical-imaging.us-east-1.amazonaws.com"


async def test_certificates_come_from_environment_then_profile(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def found() -> str | None:
        return (await open_settings(region="us-east-1")).ca_bundle

    assert await found() is None
    write_config(tmp_path, "[default]\nca_bundle = /of/the/profile.pem\n")
    assert await found() == "/of/the/profile.pem"
    monkeypatch.setenv("AWS_CA_BUNDLE", "/of/the/environment.pem")
    assert await found() == "/of/the/environment.pem"


# ── What is refused ───────────────────────────────────────────────────────────


async def test_a_missing_region_says_how_to_give_one() -> None:
    with pytest.raises(ParamValidationError, match=r"^region: pass `region`, set AWS_REGION, or"):
        await open_settings()


@pytest.mark.parametrize(
    ("config", "error"),
    [
        ("[profile other]\n", "profile: is not in the shared configuration files"),
        ("no section\n", "profile: the shared configuration files cannot be parsed"),
        ("[profile mine]\nservices = x\n", "services: names a section of the shared"),
        ("[profile mine]\nuse_fips_endpoint = yes\n", "use_fips_endpoint: must be true or false"),
        ("[profile mine]\nendpoint_url = http://far.example\n", "endpoint_url: must be https"),
        ("[profile mine]\nregion = us east\n", 'region: must be a name such as "us-east-1"'),
    ],
)
async def test_a_profile_that_cannot_be_used_is_refused(
    config: str, error: str, tmp_path: Path
) -> None:
    write_config(tmp_path, config)
    with pytest.raises(ParamValidationError) as caught:
        # The region is an argument where the profile's own is not what is wrong.
        await open_settings(profile="mine", region=None if "region" in config else "us-east-1")
    assert str(caught.value).startswith(error)
    assert caught.value.__cause__ is None


async def test_plain_http_to_other_machines_needs_permission() -> None:
    with pytest.raises(ParamValidationError, match="must be https"):
        await open_settings(region="us-east-1", endpoint_url="http://far.example")
    settings = await open_settings(
        region="us-east-1", endpoint_url="http://far.example", allow_insecure_http=True
    )
    assert settings.endpoint.base_url("runtime-") == "http://far.example"


# ── What is not done ──────────────────────────────────────────────────────────


async def test_the_profile_is_opened_once_for_settings_and_credentials(tmp_path: Path) -> None:
    write_config(tmp_path, "[default]\nregion = us-west-1\n")
    settings: Settings = await open_settings()
    profile = settings.open_profile()
    (tmp_path / "config").unlink()
    assert settings.open_profile() is profile
    assert profile.text("region") == "us-west-1"


@pytest.mark.parametrize(
    "settings",
    [
        "region='us-east-1', endpoint_url='http://127.0.0.1:1'",
        "endpoint_url='http://127.0.0.1:1'",
        "region='us-east-1'",
        "",
    ],
)
@pytest.mark.parametrize("profile_exists", [True, False])
def test_no_session_is_imported_when_arguments_and_environment_suffice(
    settings: str, profile_exists: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    if profile_exists:
        write_config(tmp_path, "[default]\n")
    code = f"""
        import asyncio, sys
        import healthimaging_sdk._signing
        from healthimaging_sdk._settings import open_settings
        asyncio.run(open_settings({settings}))
        print("botocore.session" in sys.modules)
    """
    run = subprocess.run(
        [sys.executable, "-c", dedent(code)], capture_output=True, text=True, check=True
    )
    # Only a profile that exists could have an endpoint of its own.
    needed = profile_exists and "endpoint_url" not in settings
    assert run.stdout.strip() == str(needed)


def test_importing_the_package_imports_nothing_that_finds_credentials() -> None:
    code = """
        import sys
        import healthimaging_sdk
        print(sys.modules.keys() & {"botocore.credentials", "botocore.loaders", "botocore.session"})
    """
    run = subprocess.run(
        [sys.executable, "-c", dedent(code)], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "set()"
