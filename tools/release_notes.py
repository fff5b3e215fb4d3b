"""What the changelog says of a release: `release_notes.py v1.2.3`.

Exit 1 if the tag is not the version of the package, if the changelog does not have it, or if
fragments were left out of it.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main(tag: str, root: Path) -> int:
    version = (root / "healthimaging_sdk" / "_version.py").read_text().split('"')[1]
    fragments = [file.name for file in (root / "changelog.d").glob("*.*.md")]
    notes = section(version, (root / "CHANGELOG.md").read_text())
    problem = None
    if tag != f"v{version}":
        problem = f"the tag is {tag}, the package's version {version}"
    elif fragments:
        problem = f"not yet in the changelog: {', '.join(sorted(fragments))}"
    elif not notes:
        problem = f"CHANGELOG.md has no section for {version}"
    if problem:
        print(problem, file=sys.stderr)
        return 1
    print(notes)
    return 0


def section(version: str, changelog: str) -> str:
    """The text below the version's heading, up to the next."""
    heading = rf"^## {re.escape(version)}\b.*\n((?:(?!## ).*\n?)*)"
    found = re.search(heading, changelog, re.MULTILINE)
    return found[1].strip() if found else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2] if sys.argv[2:] else ROOT)))
