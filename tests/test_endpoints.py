"""Our endpoints against those that botocore's own rule set and partition data give."""

from itertools import product
from typing import Any

import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.loaders import Loader
from botocore.utils import validate_region_name
from hypothesis import given
from hypothesis import strategies as st

from healthimaging_sdk._endpoints import Endpoint, endpoint_url
from healthimaging_sdk.errors import ParamValidationError

LOADER = Loader()
PARTITIONS: dict[str, Any] = LOADER.load_data("partitions")
RULES = EndpointProvider(
    LOADER.load_service_model("medical-imaging", "endpoint-rule-set-1"), PARTITIONS
)
MADE_UP = [
    "us-west-9",
    "cn-south-7",
    "us-gov-north-2",
    "us-isob-north-3",
    "eu-isoe-north-1",
    "us-iso-east-x",
    "eusc-fr-west-1",
    "mars-east-1",
    "US-EAST-1",
    "local",
]
REGIONS = [*MADE_UP, *(region for part in PARTITIONS["partitions"] for region in part["regions"])]
VARIANTS = list(product([False, True], repeat=2))


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize(("fips", "dualstack"), VARIANTS)
def test_every_region_has_the_host_that_botocore_gives_it(
    region: str, fips: bool, dualstack: bool
) -> None:
    expected = RULES.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dualstack).url
    assert endpoint_url(region, fips=fips, dualstack=dualstack) == expected


@pytest.mark.parametrize("text", ["evil.example/", "us-east-1.evil", "-us", "us-", "us east", "1"])
@pytest.mark.parametrize("where", ["{}", "{}\n", "\x00{}"])
def test_a_region_that_cannot_be_part_of_a_host_is_refused_unseen(text: str, where: str) -> None:
    region = where.format(text)
    with pytest.raises(ParamValidationError) as caught:
        endpoint_url(region)
    assert str(caught.value) == 'region: must be a name such as "us-east-1"'


@given(st.text(max_size=70) | st.from_regex(r"[a-z0-9-]{0,70}\n?", fullmatch=True))
def test_a_region_is_accepted_only_if_botocore_accepts_it(region: str) -> None:
    try:
        endpoint_url(region)
    except ParamValidationError:
        return
    validate_region_name(region)


def test_the_data_plane_has_a_host_of_its_own() -> None:
    endpoint = Endpoint.of_service("eu-west-1", fips=True)
    assert endpoint.base_url() == "https://medical-imaging-fips.eu-west-1.amazonaws.com"
    assert endpoint.base_url("runtime-") == (
        "https://runtime-medical-imaging-fips.eu-west-1.amazonaws.com"
    )
    assert endpoint.is_encrypted


@pytest.mark.parametrize(
    ("given_url", "used"),
    [
        ("http://127.0.0.1:4600", "http://127.0.0.1:4600"),
        ("http://localhost:4600/", "http://localhost:4600"),
        ("HTTPS://Proxy.example", "https://Proxy.example"),
        ("http://[::1]:4600", "http://[::1]:4600"),
        ("http://emulator.localhost", "http://emulator.localhost"),
        ("https://proxy.example/aws/imaging/", "https://proxy.example/aws/imaging"),
        ("https://vpce-1_a.example.:8443/a%20b", "https://vpce-1_a.example.:8443/a%20b"),
    ],
)
def test_a_custom_endpoint_is_used_for_both_planes_as_it_is(given_url: str, used: str) -> None:
    endpoint = Endpoint.custom(given_url)
    assert endpoint.base_url() == endpoint.base_url("runtime-") == used


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "printable"),
        ("localhost:4600", "must begin with"),
        ("ftp://localhost", "must begin with"),
        ("http://", "valid host"),
        ("http://-bad-", "valid host"),
        ("http://a..b", "valid host"),
        ("https://[::1", "not a URL"),
        ("https://[fe80::1%25eth0]", "valid host"),
        ("https://[example]", "not a URL|valid host"),
        ("https://h:", "valid host"),
        ("https://h:0", "port"),
        ("https://h:99999", "not a URL"),
        ("https://h:x", "not a URL"),
        ("https://user:secret@h", "user name"),
        ("https://h?x=1", "query"),
        ("https://h/?", "query"),
        ("https://h#x", "fragment"),
        ("https://h/a b", "printable"),
        ("https://h/\r\nX-Evil: 1", "printable"),
        ("https://h/é", "printable"),
        (b"https://h", "must be a str, not bytes"),
    ],
)
def test_a_malformed_custom_endpoint_is_refused_unseen(url: Any, reason: str) -> None:
    with pytest.raises(ParamValidationError, match=f"^endpoint_url: .*({reason})") as caught:
        Endpoint.custom(url)
    assert not url or str(url) not in str(caught.value)


@pytest.mark.parametrize("host", ["example.com", "10.0.0.1", "localhost.example.com", "[2001::1]"])
def test_plain_http_leaves_this_machine_only_when_allowed(host: str) -> None:
    with pytest.raises(ParamValidationError, match="must be https"):
        Endpoint.custom(f"http://{host}")
    endpoint = Endpoint.custom(f"http://{host}", allow_insecure_http=True)
    assert endpoint.base_url("runtime-") == f"http://{host}"
    assert not endpoint.is_encrypted
