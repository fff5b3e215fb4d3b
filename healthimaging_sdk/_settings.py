"""Region, endpoint and certificates: from arguments, then the environment, then the profile.

https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
"""

import asyncio
import os
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from healthimaging_sdk._endpoints import Endpoint, check_region
from healthimaging_sdk.errors import ParamValidationError

if TYPE_CHECKING:
    from healthimaging_sdk._profile import Profile


@frozen(kw_only=True, eq=False, repr=False)
class Settings:
    region: str
    endpoint: Endpoint
    ca_bundle: str | None
    """The file of certificates to trust instead of the usual ones."""

    open_profile: "Callable[[], Profile]"
    """The same profile each time, read at most once. Blocks: for worker threads only."""


async def open_settings(
    *,
    region: str | None = None,
    profile: str | None = None,
    endpoint_url: str | None = None,
    use_fips: bool | None = None,
    use_dualstack: bool | None = None,
    allow_insecure_http: bool = False,
) -> Settings:
    """What a client needs to know before its first request, found out in a worker thread.

    Raises `ParamValidationError` for what is missing, malformed or contradictory. The profile
    is opened only for what neither arguments nor environment say.
    """

    def resolve() -> Settings:
        open_profile = cache(partial(_open_profile, profile))
        sources = _Sources(open_profile if _has_profile(profile) else None)
        chosen_region = check_region(sources.region() if region is None else region)
        endpoint = _endpoint(
            sources,
            chosen_region,
            endpoint_url,
            use_fips=use_fips,
            use_dualstack=use_dualstack,
            allow_insecure_http=allow_insecure_http,
        )
        return Settings(
            region=chosen_region,
            endpoint=endpoint,
            ca_bundle=sources.text("ca_bundle") if endpoint.is_encrypted else None,
            open_profile=open_profile,
        )

    return await asyncio.to_thread(resolve)


def _open_profile(name: str | None) -> "Profile":
    # Imported here, in a worker thread, because it brings all of botocore's session along.
    from healthimaging_sdk._profile import Profile  # noqa: PLC0415

    return Profile(name)


def _has_profile(name: str | None) -> bool:
    """Whether opening the profile could tell anything, be it only that it does not exist."""
    named = name or os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE")
    files = (
        os.environ.get("AWS_CONFIG_FILE", "~/.aws/config"),
        os.environ.get("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
    )
    return bool(named) or any(
        Path(os.path.expandvars(file)).expanduser().exists() for file in files
    )


class _Sources:
    """The environment, and behind it the profile, if there is one."""

    def __init__(self, open_profile: "Callable[[], Profile] | None" = None) -> None:
        self.open_profile = open_profile

    def text(self, key: str, *variables: str) -> str | None:
        for variable in variables or (f"AWS_{key.upper()}",):
            if value := os.environ.get(variable):
                return value
        return self.open_profile().text(key) if self.open_profile else None

    def flag(self, key: str) -> bool:
        value = (self.text(key) or "false").lower()
        # A "yes" that went unheard could send patients' data to an endpoint without FIPS.
        if value not in {"true", "false"}:
            raise ParamValidationError(key, "must be true or false")
        return value == "true"

    def region(self) -> str:
        region = self.text("region", "AWS_REGION", "AWS_DEFAULT_REGION")
        if region is None:
            reason = "pass `region`, set AWS_REGION, or choose a profile that has one"
            raise ParamValidationError("region", reason)
        return region

    def endpoint_url(self) -> str | None:
        """The configured endpoint, unless configured endpoints are to be ignored."""
        variables = ("AWS_ENDPOINT_URL_MEDICAL_IMAGING", "AWS_ENDPOINT_URL")
        url = next(filter(None, map(os.environ.get, variables)), None)
        if url is None and self.open_profile:
            url = self.open_profile().endpoint_url()
        return None if url is None or self.flag("ignore_configured_endpoint_urls") else url


def _endpoint(
    sources: _Sources,
    region: str,
    url: str | None,
    *,
    use_fips: bool | None,
    use_dualstack: bool | None,
    allow_insecure_http: bool,
) -> Endpoint:
    environment = _Sources()
    if url is None:
        url = environment.endpoint_url()
    if url is None:
        url = sources.endpoint_url()
    else:
        # An endpoint from an argument or the environment stands above what the profile wants.
        sources = environment
    fips = sources.flag("use_fips_endpoint") if use_fips is None else use_fips
    dualstack = sources.flag("use_dualstack_endpoint") if use_dualstack is None else use_dualstack
    if url is None:
        return Endpoint.of_service(region, fips=fips, dualstack=dualstack)
    if fips or dualstack:
        variant = "FIPS" if fips else "dual stack"
        raise ParamValidationError("endpoint_url", f"cannot be combined with {variant}")
    return Endpoint.custom(url, allow_insecure_http=allow_insecure_http)
