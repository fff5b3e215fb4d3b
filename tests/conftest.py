"""What every test has: an environment without AWS in it, and clients for scripted servers."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import pytest
from fake_time import FakeTime
from hypothesis import HealthCheck, settings
from scripted_server import ScriptedServer, Step
from serving import CREDENTIALS, Serve
from virtual_time import LoopTime, VirtualTimeLoop

from healthimaging_sdk import Config, CredentialProvider, HealthImagingClient

# How fast a machine is says nothing about the code. In CI the examples are the same each time.
settings.register_profile(
    "project",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("project")

# Who runs the tests in the background may ignore Ctrl-C, and so would every program they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _no_aws_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No test sees this machine's AWS settings, or asks its network for an instance's role."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    missing = tmp_path_factory.getbasetemp() / "no-such-file"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(missing))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(missing))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "virtual_time: runs on a loop that skips waiting")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.get_closest_marker("virtual_time"):
        return {"virtual": VirtualTimeLoop}
    return {"real": asyncio.new_event_loop}


@pytest.fixture
def time(request: pytest.FixtureRequest) -> FakeTime:
    return LoopTime() if request.node.get_closest_marker("virtual_time") else FakeTime()


@pytest.fixture
async def serve(time: FakeTime) -> AsyncIterator[Serve]:
    """`server, client = await serve(step, step, ..., max_attempts=1)`: a script and its client."""
    async with AsyncExitStack() as stack:

        async def start(
            *steps: Step,
            credentials: CredentialProvider = CREDENTIALS,
            scheme: str = "http",
            **settings: Any,
        ) -> tuple[ScriptedServer, HealthImagingClient]:
            server = await stack.enter_async_context(ScriptedServer(list(steps)))
            seams: dict[str, Any] = {
                "sleep": time.sleep,
                "clock": time.clock,
                "random": time.random,
            }
            client = HealthImagingClient(
                region="us-east-1",
                credentials=credentials,
                endpoint_url=server.url.replace("http", scheme),
                config=Config(**{**seams, **settings}),
            )
            return server, await stack.enter_async_context(client)

        yield start
