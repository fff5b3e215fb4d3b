"""`{floors}`: a picture of the layers that import-linter enforces, drawn from pyproject.toml."""

import re
import tomllib
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

PYPROJECT = Path(__file__).parent.parent.parent / "pyproject.toml"

WIDTH = 720
HEIGHT = 34
GAP = 6


def layers() -> list[str]:
    """The floors, the highest first: `a | b` import nothing of each other, `a : b` may."""
    contracts = tomllib.loads(PYPROJECT.read_text())["tool"]["importlinter"]["contracts"]
    floors: list[str] = next(each["layers"] for each in contracts if each["type"] == "layers")
    return floors


def draw(floors: list[str]) -> str:
    """SVG in the colours of the page around it, light or dark."""
    parts: list[str] = []
    for number, floor in enumerate(floors):
        top = number * (HEIGHT + GAP) + 1
        gap = 0 if ":" in floor else GAP
        modules = re.findall(r"\w+", floor)
        width = (WIDTH - gap * (len(modules) - 1)) / len(modules)
        for place, module in enumerate(modules):
            left = place * (width + gap)
            dashed = ' stroke-dasharray="4 3"' if module.startswith("_") else ""
            parts.append(
                f'<rect x="{left + 1:.1f}" y="{top}" width="{width - min(gap, 2):.1f}"'
                f' height="{HEIGHT}" rx="{min(gap, 5)}" fill="none" stroke="currentColor"{dashed}/>'
                f'<text x="{left + width / 2:.1f}" y="{top + HEIGHT / 2 + 4.5}"'
                f' text-anchor="middle" fill="currentColor">{escape(module)}</text>'
            )
    height = len(floors) * (HEIGHT + GAP)
    return (
        f'<svg class="floors" viewBox="0 0 {WIDTH + 2} {height}" role="img" font-size="13"'
        ' font-family="monospace" xmlns="http://www.w3.org/2000/svg">'
        f"<title>The modules of healthimaging_sdk, floor upon floor</title>{''.join(parts)}</svg>"
    )


class Floors(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(PYPROJECT))
        return [nodes.raw("", draw(layers()), format="html")]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("floors", Floors)
    return {"parallel_read_safe": True}
