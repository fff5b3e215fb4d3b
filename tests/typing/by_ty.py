"""Every wrong call in `api.py` is an error for ty as well.

ty is young and knows no attrs converters, so what it finds beyond that is printed and no failure.
"""

import re
import subprocess
import sys
from pathlib import Path

API = Path(__file__).parent / "api.py"


def main() -> int:
    text = API.read_text().splitlines()
    wanted = {number for number, line in enumerate(text, 1) if "# type: ignore" in line}
    command = ["ty", "check", "--python", sys.executable, "--output-format", "concise", str(API)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = {int(number) for number in re.findall(r"api\.py:(\d+):", done.stdout)}
    for number in sorted(wanted - found):
        print(f"ty sees no error in line {number}: {text[number - 1].strip()}")  # noqa: T201
    for number in sorted(found - wanted):
        print(f"ty alone sees an error in line {number}: {text[number - 1].strip()}")  # noqa: T201
    return int(bool(wanted - found) or not found)


if __name__ == "__main__":
    sys.exit(main())
