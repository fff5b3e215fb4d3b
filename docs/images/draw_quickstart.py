"""Draw what the quickstart prints: it is run, and its console recorded.

python docs/images/draw_quickstart.py
"""

import asyncio
import re
import runpy
from pathlib import Path

HERE = Path(__file__).parent
PICTURE = HERE / "quickstart.svg"
QUICKSTART = HERE.parent.parent / "examples" / "quickstart.py"


def draw() -> str:
    """The SVG of a run of now."""
    example = runpy.run_path(str(QUICKSTART))
    console = example["console"]
    console.record, console.width = True, 80
    asyncio.run(example["main"]())
    svg: str = console.export_svg(title="python3 -m nox -s quickstart", unique_id="quickstart")
    # With fonts of the reader's machine: a picture should fetch nothing.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    # The name of a temporary folder, in as many letters: their places are in the picture.
    return re.sub(r"quickstart-\w{8}/", "quickstart-12345678/", svg)


if __name__ == "__main__":
    PICTURE.write_text(draw())
