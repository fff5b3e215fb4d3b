"""Where requests go: the service's hosts, and endpoints of the user's own. No I/O in here.

https://docs.aws.amazon.com/general/latest/gr/healthimaging.html
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Self
from urllib.parse import SplitResult, urlsplit

from attrs import frozen

from healthimaging_sdk.errors import ParamValidationError


@frozen(eq=False, repr=False)
class _Partition:
    region_pattern: str
    dns_suffix: str
    dualstack_dns_suffix: str


_AWS = _Partition(r"(us|eu|ap|sa|ca|me|af|il|mx)-\w+-\d+", "amazonaws.com", "api.aws")

# The first match counts; a region that nobody has heard of yet belongs to the first partition.
_PARTITIONS = (
    _AWS,
    _Partition(r"cn-\w+-\d+|aws-cn-global", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    _Partition(r"eusc-(de)-\w+-\d+", "amazonaws.eu", "api.amazonwebservices.eu"),
    _Partition(r"us-iso-\w+-\d+|aws-iso-global", "c2s.ic.gov", "api.aws.ic.gov"),
    _Partition(r"us-isob-\w+-\d+|aws-iso-b-global", "sc2s.sgov.gov", "api.aws.scloud"),
    _Partition(r"eu-isoe-\w+-\d+|aws-iso-e-global", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    _Partition(r"us-isof-\w+-\d+|aws-iso-f-global", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    _Partition(r"us-gov-\w+-\d+|aws-us-gov-global", "amazonaws.com", "api.aws"),
)

_HOST_LABEL = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"
_REGION = r"(?![0-9]+\Z)(?!-)[A-Za-z0-9-]{1,63}(?<!-)"


@frozen(eq=False, repr=False)
class Endpoint:
    """The scheme, host and base path before every request's own path; no slash at the end."""

    url: str
    is_custom: bool = False

    @property
    def is_encrypted(self) -> bool:
        return self.url.startswith("https:")

    def base_url(self, host_prefix: str = "") -> str:
        """The URL for a plane of the service; a custom endpoint serves all planes as it is."""
        if self.is_custom:
            return self.url
        return self.url.replace("://", f"://{host_prefix}", 1)

    @classmethod
    def of_service(cls, region: str, *, fips: bool = False, dualstack: bool = False) -> Self:
        return cls(endpoint_url(region, fips=fips, dualstack=dualstack))

    @classmethod
    def custom(cls, url: str, *, allow_insecure_http: bool = False) -> Self:
        """An endpoint of the user's own, as it was given.

        Plain http reaches no further than this machine unless `allow_insecure_http` (R-14).
        Raises `ParamValidationError`, without the URL: it could hold a password.
        """
        problem = _text_problem(url) or _url_problem(
            urlsplit(url), allow_insecure_http=allow_insecure_http
        )
        if problem:
            raise ParamValidationError("endpoint_url", problem)
        scheme, _, rest = url.rstrip("/").partition(":")
        return cls(f"{scheme.lower()}:{rest}", is_custom=True)


def endpoint_url(region: str, *, fips: bool = False, dualstack: bool = False) -> str:
    """The control plane of a region; the same as botocore's rules give, for every region."""
    check_region(region)
    partition = next((p for p in _PARTITIONS if re.fullmatch(p.region_pattern, region)), _AWS)
    service = "medical-imaging-fips" if fips else "medical-imaging"
    suffix = partition.dualstack_dns_suffix if dualstack else partition.dns_suffix
    return f"https://{service}.{region}.{suffix}"


def check_region(region: object) -> str:
    """The region, or `ParamValidationError` if it cannot be one."""
    # It becomes a part of a host name: "us-east-1.evil.example/" must not.
    if not isinstance(region, str) or not re.fullmatch(_REGION, region):
        raise ParamValidationError("region", 'must be a name such as "us-east-1"')
    return region


def _text_problem(url: object) -> str | None:
    if not isinstance(url, str):
        return f"must be a str, not {type(url).__name__}"
    if not re.fullmatch("[!-~]+", url):
        return "must be printable ASCII without spaces, percent-encoded where needed"
    if "?" in url or "#" in url:
        return "must not have a query or a fragment"
    try:
        port = urlsplit(url).port
    except ValueError:
        return "is not a URL"
    return "has no valid port" if port == 0 else None


def _url_problem(parts: SplitResult, *, allow_insecure_http: bool) -> str | None:
    if parts.scheme not in {"http", "https"}:
        return "must begin with http:// or https://"
    if "@" in parts.netloc:
        return "must not hold a user name or a password"
    if not _is_host(parts):
        return "has no valid host"
    if parts.scheme == "http" and not (allow_insecure_http or _is_loopback(parts.hostname or "")):
        return "must be https: plain http is for this machine alone, unless explicitly allowed"
    return None


def _is_host(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    if parts.netloc.endswith(":"):
        return False
    if parts.netloc.startswith("["):
        return _address(host) is not None and "%" not in host
    labels = host.removesuffix(".").split(".")
    return all(re.fullmatch(_HOST_LABEL, label) for label in labels)


def _is_loopback(host: str) -> bool:
    address = _address(host)
    if address is not None:
        return address.is_loopback
    return host == "localhost" or host.endswith(".localhost")


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
