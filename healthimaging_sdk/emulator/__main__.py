"""`python -m healthimaging_sdk.emulator`: the emulator as a program of its own."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

try:
    from healthimaging_sdk.emulator import Durations, Emulator, Fault
    from healthimaging_sdk.emulator._app import LOOPBACK_NAMES
    from healthimaging_sdk.emulator._storage.folder import DataFolderError
    from healthimaging_sdk.emulator._throttling import Throttle, read_throttle
except ModuleNotFoundError as error:  # the extra `emulator` is not installed
    sys.exit(str(error))


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    if options.host not in LOOPBACK_NAMES and not options.allow_remote:
        _parser().error("--host with an address that others can reach needs --allow-remote")
    try:
        asyncio.run(_serve(options))
    except OSError as error:
        sys.exit(f"cannot listen on {options.host}:{options.port}: {error.strerror}")
    except DataFolderError as error:
        sys.exit(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m healthimaging_sdk.emulator",
        description="AWS HealthImaging on your own machine.",
    )
    parser.add_argument("--port", type=int, default=4600, help="0 chooses a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--allow-remote", action="store_true", help="let --host be an address that others can reach"
    )
    parser.add_argument(
        "--bucket",
        type=_bucket,
        action="append",
        default=[],
        metavar="NAME=DIR",
        help="a folder that stands for an S3 bucket; may be repeated",
    )
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--account-id", default="123456789012", help="as ARNs tell it")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="a folder to keep everything in; else in memory"
    )
    parser.add_argument(
        "--duration",
        type=_durations,
        default=Durations(),
        metavar="SECONDS",
        help="how long copies, updates, deletions and imports take at least",
    )
    parser.add_argument(
        "--throttle",
        type=_throttle,
        default="off",
        metavar="off|published|FACTOR",
        help="the service's limits on requests per second, or that many times these limits",
    )
    parser.add_argument(
        "--fault",
        type=_fault,
        action="append",
        default=[],
        metavar="OPERATION:KIND[=VALUE][:TIMES[:AFTER]]",
        help="what goes wrong on purpose, such as CopyImageSet:lost:2; may be repeated",
    )
    parser.add_argument(
        "--events",
        type=_new_file,
        metavar="FILE",
        help="add a line for each event that the service would send to EventBridge",
    )
    return parser


def _bucket(text: str) -> tuple[str, Path]:
    name, separator, folder = text.partition("=")
    if not (name and separator and Path(folder).is_dir()):
        raise argparse.ArgumentTypeError("needs NAME=DIR, where DIR is a folder that exists")
    return name, Path(folder)


def _new_file(text: str) -> Path:
    path = Path(text)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise argparse.ArgumentTypeError("needs a file in a folder that exists")
    return path


def _durations(text: str) -> Durations:
    try:
        return Durations.all(float(text))
    except ValueError:
        raise argparse.ArgumentTypeError("must be seconds, at least 0") from None


def _throttle(text: str) -> Throttle:
    try:
        return read_throttle(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _fault(text: str) -> Fault:
    try:
        return Fault.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


async def _serve(options: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    emulator = Emulator(
        buckets=dict(options.bucket),
        host=options.host,
        port=options.port,
        allow_remote=options.allow_remote,
        region=options.region,
        account_id=options.account_id,
        data=options.data,
        durations=options.duration,
        throttle=options.throttle,
        faults=options.fault,
        events=options.events,
    )
    async with emulator:
        if options.allow_remote:
            _say("warning: others can reach this emulator, and its secret is published", sys.stderr)
        credentials = emulator.credentials
        _say(emulator.endpoint_url)
        _say(
            f"access_key_id={credentials.access_key_id} "
            f"secret_access_key={credentials.secret_access_key}"
        )
        await stopped.wait()


def _say(line: str, stream: TextIO | None = None) -> None:
    print(line, file=stream, flush=True)


if __name__ == "__main__":
    main()
