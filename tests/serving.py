"""How a test asks for a scripted server and a client of it: the type of the fixture `serve`."""

from typing import Any, Protocol

from scripted_server import ScriptedServer, Step

from healthimaging_sdk import CredentialProvider, Credentials, HealthImagingClient

CREDENTIALS = Credentials("AKIDEXAMPLE", "an-example-secret")


class Serve(Protocol):
    async def __call__(
        self,
        *steps: Step,
        credentials: CredentialProvider = CREDENTIALS,
        scheme: str = "http",
        **settings: Any,
    ) -> tuple[ScriptedServer, HealthImagingClient]:
        """A server that follows the steps, and a client with these settings of `Config`."""
        ...
