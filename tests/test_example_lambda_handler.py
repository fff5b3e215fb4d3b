"""`lambda_handler.py` in the runtime that AWS Lambda itself has for Python."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from account import open_account
from aiohttp import web
from attrs import define, field
from dicom_files import write_instance
from running_examples import EXAMPLES, allowed, called
from scripted_server import ScriptedServer, error
from waits import DATASTORE_ID, JOB_ID, import_job

from healthimaging_sdk.emulator import Durations, Emulator

pytest.importorskip("awslambdaric", reason="AWS has Lambda's runtime for Linux only")


@define(eq=False)
class Invocations:
    """Lambda's side: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html."""

    events: "asyncio.Queue[Any]" = field(factory=asyncio.Queue[Any])
    answers: "asyncio.Queue[Any]" = field(factory=asyncio.Queue[Any])

    def app(self) -> web.Application:
        app = web.Application()
        path = "/2018-06-01/runtime"
        app.router.add_get(f"{path}/invocation/next", self._next)
        for end in ("invocation/an-id/response", "invocation/an-id/error", "init/error"):
            app.router.add_post(f"{path}/{end}", self._take)
        return app

    async def _next(self, _: web.Request) -> web.Response:
        headers = {
            "Lambda-Runtime-Aws-Request-Id": "an-id",
            "Lambda-Runtime-Deadline-Ms": str(2**42),  # in a hundred years
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:1:function:f",
        }
        return web.json_response(await self.events.get(), headers=headers)

    async def _take(self, request: web.Request) -> web.Response:
        await self.answers.put(json.loads(await request.read()))
        return web.Response(status=202)

    async def __call__(self, event: Any) -> Any:
        """What the function answers."""
        await self.events.put(event)
        return await self.answers.get()


@asynccontextmanager
async def function(environment: dict[str, str]) -> AsyncGenerator[Invocations]:
    """The example in a process, until it is no longer wanted."""
    invocations = Invocations()
    runner = web.AppRunner(invocations.app(), handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "awslambdaric", "lambda_handler.handler"),
        cwd=EXAMPLES,
        env={**os.environ, **environment, "AWS_LAMBDA_RUNTIME_API": f"{host}:{port}"},
    )
    try:
        yield invocations
    finally:
        process.kill()
        await process.wait()
        await runner.cleanup()


async def test_it_answers_the_events_of_an_import(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    with Emulator(
        buckets={"input": tmp_path, "output": tmp_path},
        durations=Durations.all(0),
        on_event=events.append,
    ) as emulator:
        account = open_account(emulator)
        write_instance(account.inbox, 1)
        write_instance(account.inbox, 2, NumberOfFrames="3")
        job_id = account.import_all()["jobId"]
        (image_set_id,) = account.image_set_ids()
        emulator.journal.clear()
        async with function(emulator.environment) as invoke:
            answers = [await invoke(event) for event in events]
            twice = await invoke(events[-1])
            assert called(emulator) == allowed("watcher")
            account.delete(image_set_id)
            created = next(each for each in events if each["detail-type"] == "Image Set Created")
            late = await invoke(created)

    told = {"image_set_id": image_set_id, "instances": 2, "frames": 4}
    assert answers.count(told) == 1
    assert answers.count({"job_id": job_id, "status": "COMPLETED"}) == 1
    passed_over = [each["passed_over"] for each in answers if "passed_over" in each]
    assert len(passed_over) == len(answers) - 2
    assert {"Data Store Created", "Import Job Submitted"} <= set(passed_over)
    assert twice == answers[-1]
    assert late == {"image_set_id": image_set_id, "gone": True}


async def test_warm_invocations_share_a_connection(capfd: pytest.CaptureFixture[str]) -> None:
    event: dict[str, Any] = {
        "version": "0",
        "id": "1",
        "detail-type": "Import Job Completed",
        "source": "aws.medical-imaging",
        "account": "123456789012",
        "time": "2026-11-21T00:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": {
            "datastoreId": DATASTORE_ID,
            "jobId": JOB_ID,
            "jobName": "for canary",
            "jobStatus": "COMPLETED",
        },
    }
    done = import_job("COMPLETED")
    refused = error(403, "AccessDeniedException")
    async with ScriptedServer([done, done, refused, done]) as server:
        environment = {
            "AWS_ENDPOINT_URL_MEDICAL_IMAGING": server.url,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "an-example-secret",
        }
        async with function(environment) as invoke:
            answers = [await invoke(event) for _ in range(4)]

    assert [each.get("status") for each in answers] == ["COMPLETED", "COMPLETED", None, "COMPLETED"]
    assert answers[2]["errorType"] == "AccessDeniedException"
    assert (len(server.requests), server.connections) == (4, 1)
    shown = "".join(capfd.readouterr()) + json.dumps(answers)
    assert "AccessDeniedException" in shown
    for hidden in ("canary", "an-example-secret"):
        assert hidden not in shown
