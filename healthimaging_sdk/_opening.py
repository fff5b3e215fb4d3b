"""What a client makes at its first call: settings, credentials, connections."""

import asyncio
import platform
import ssl
from collections.abc import Callable, Coroutine
from typing import Any

from healthimaging_sdk._calls import Opened
from healthimaging_sdk._credentials import BotocoreCredentials, CredentialProvider
from healthimaging_sdk._exchange import Exchange
from healthimaging_sdk._pacing import Pacer
from healthimaging_sdk._settings import Settings, open_settings
from healthimaging_sdk._signing import Signer
from healthimaging_sdk._transport import Transport
from healthimaging_sdk._version import __version__
from healthimaging_sdk.config import Config
from healthimaging_sdk.errors import ParamValidationError


def opener(
    config: Config,
    *,
    region: str | None,
    profile: str | None,
    credentials: CredentialProvider | None,
    endpoint_url: str | None,
) -> Callable[[Pacer], Coroutine[Any, Any, Opened]]:
    async def open_with(pacer: Pacer) -> Opened:
        settings = await open_settings(
            region=region,
            profile=profile,
            endpoint_url=endpoint_url,
            use_fips=config.use_fips_endpoint,
            use_dualstack=config.use_dualstack_endpoint,
            allow_insecure_http=config.allow_insecure_http,
        )
        transport = Transport(config, await _tls(settings))
        found = BotocoreCredentials(
            settings.open_profile, region=settings.region, clock=config.clock
        )
        exchange = Exchange(
            region=settings.region,
            endpoint=settings.endpoint,
            signer=Signer(settings.region),
            credentials=found if credentials is None else credentials,
            transport=transport,
            pacer=pacer,
            clock=config.clock,
            headers=_common_headers(config),
        )

        async def aclose() -> None:
            await transport.aclose()
            await found.aclose()

        return Opened(exchange, aclose)

    return open_with


def _common_headers(config: Config) -> dict[str, str]:
    agent = f"healthimaging-sdk/{__version__} python/{platform.python_version()}"
    suffix = config.user_agent_suffix
    # Of the bodies only metadata is compressed, whatever a request accepts.
    return {
        "Accept-Encoding": "identity",
        "User-Agent": f"{agent} {suffix}" if suffix else agent,
    }


async def _tls(settings: Settings) -> ssl.SSLContext | None:
    """The certificates to trust, read in a thread: loading them takes milliseconds."""
    if not settings.endpoint.is_encrypted:
        return None
    return await asyncio.to_thread(_trusting, settings.ca_bundle)


def _trusting(ca_bundle: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_bundle)
    except OSError:
        raise ParamValidationError("ca_bundle", "is not a file of certificates") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
