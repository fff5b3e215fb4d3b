"""Run every client through the situations, and compare with what is stored.

PYTHONPATH=tests python -m compared [--write]

Exit code 1 if a cell is another than in `docs/compared.json`; with `--write` they are stored, and
the README's table is written anew. All clients have to be installed: `nox -s witness`.
"""

import asyncio
import json
import sys

from compared.table import STORED, read, store

PROGRAMS = ("ours", "with_boto3", "with_aiobotocore", "with_capo")


async def run(program: str) -> dict[str, object]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"compared.{program}"), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    if process.returncode:
        sys.exit(f"{program} failed")
    found: dict[str, object] = json.loads(output)
    return found


async def main() -> int:
    found = await asyncio.gather(*map(run, PROGRAMS))
    if "--write" in sys.argv:
        store(found)
        return 0
    stored = read()
    for now, before in zip(found, stored, strict=True):
        if now["cells"] != before["cells"]:
            print(f"{STORED.name} says otherwise:", json.dumps(now, indent=2))  # noqa: T201
    return int([each["cells"] for each in found] != [each["cells"] for each in stored])


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
