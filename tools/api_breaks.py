"""What has changed since the last release so that users' programs would break.

    python tools/api_breaks.py [REPOSITORY]

Exit 1 if a program would break and the version does not say so. Semantic versioning says it with
a new major number, and before 1.0 with a new minor one.
"""

import subprocess
import sys
from pathlib import Path

import griffe
from packaging.version import Version

PACKAGE = "healthimaging_sdk"


def main(repository: Path) -> int:
    tag = last_release(repository)
    if tag is None:
        print("No release to compare with: the repository has no tag v*.")
        return 0
    released = griffe.load_git(PACKAGE, ref=tag, repo=repository, resolve_aliases=True)
    current = griffe.load(
        PACKAGE, search_paths=[repository], try_relative_path=False, resolve_aliases=True
    )
    breaks = list(griffe.find_breaking_changes(released, current))
    for each in breaks:
        print(each.explain(griffe.ExplanationStyle.MARKDOWN))
    version = version_of(repository)
    print(f"{len(breaks)} breaking changes from {tag} to {version}.")
    if breaks and not may_break(Version(tag.removeprefix("v")), version):
        print(f"The version may not stay at {version}.", file=sys.stderr)
        return 1
    return 0


def last_release(repository: Path) -> str | None:
    command = ["git", "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def version_of(repository: Path) -> Version:
    file = (repository / PACKAGE / "_version.py").read_text()
    return Version(file.split('"')[1])


def may_break(released: Version, current: Version) -> bool:
    if current.major == 0:
        return (current.major, current.minor) > (released.major, released.minor)
    return current.major > released.major


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if sys.argv[1:] else ".").resolve()))
