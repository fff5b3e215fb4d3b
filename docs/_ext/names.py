"""Docstrings name things in single backticks: what this package has becomes a link to it.

Public names live in modules of their own and are documented under `healthimaging_sdk`, where
users import them from.
"""

import re
from enum import Enum
from importlib import import_module
from typing import Any, cast

import attrs
from attrs import AttrsInstance
from docutils import nodes
from docutils.nodes import Element, TextElement
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

import healthimaging_sdk
from healthimaging_sdk import HealthImagingClient, Operation

logger = logging.getLogger(__name__)

# The numbers of rules that this documentation does not have.
_RULES = re.compile(r"\s+\((rules?\s+)?R-[^)]*\)")
_BACKTICKS = re.compile(r"(?<![`:\w])`([^`\n]+)`(?![`_\w])")


# Users get these, and never make them.
_NOT_MADE_BY_USERS = {"BlobStream", "Pager"}


def documented() -> list[str]:
    """What is imported from the top, without the cards of operations."""
    names = [name for name in healthimaging_sdk.__all__ if not name.startswith("__")]
    return [name for name in names if not isinstance(getattr(healthimaging_sdk, name), Operation)]


def public(home: str) -> list[str]:
    """Of these, the classes and functions that live in that module, as they stand there."""
    module = import_module(f"healthimaging_sdk.{home}")
    here = [
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__
    ]
    return [name for name in here if name in documented()]


class Public(SphinxDirective):
    """`{public} image_sets`: the reference of a module's public names."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        lines = ["```{eval-rst}"]
        for name in public(self.arguments[0]):
            value = getattr(healthimaging_sdk, name)
            if isinstance(value, type):
                lines += [f".. autoclass:: healthimaging_sdk.{name}", "   :members:"]
                lines += ["   :undoc-members:"] if issubclass(value, Enum) else []
                lines += ["   :show-inheritance:"] if issubclass(value, Exception) else []
            else:
                lines += [f".. autofunction:: healthimaging_sdk.{name}"]
            lines += [""]
        return self.parse_text_to_nodes("\n".join([*lines, "```"]))


def _as_link(match: re.Match[str]) -> str:
    name = match[1].removesuffix("()")
    if name in healthimaging_sdk.__all__:
        return f":py:obj:`{name} <healthimaging_sdk.{name}>`"
    if not name.startswith("_") and name in vars(HealthImagingClient):
        return f":py:meth:`{name} <healthimaging_sdk.HealthImagingClient.{name}>`"
    return f"``{match[1]}``"


def link_names(
    app: Sphinx, what: str, name: str, obj: object, options: Any, lines: list[str]
) -> None:
    """Indented blocks are shown as they are; elsewhere, names in backticks become links."""
    text: list[str] = []
    for line in _RULES.sub("", "\n".join(lines)).split("\n"):
        indented = line.startswith("    ")
        if indented and text and not text[-1] and not text[-2].startswith("    "):
            text += ["::", ""]
        text.append(line if indented else _BACKTICKS.sub(_as_link, line))
    lines[:] = text


def tidy_signature(
    app: Sphinx,
    what: str,
    name: str,
    obj: Any,
    options: Any,
    signature: str | None,
    returns: str | None,
) -> tuple[str, str | None] | None:
    """None for what users never make; attrs' defaults as they are, not as attrs writes them."""
    if not isinstance(obj, type) or signature is None:
        return None
    if issubclass(obj, Enum) or obj.__name__ in _NOT_MADE_BY_USERS:
        return "", None

    def default(match: re.Match[str]) -> str:
        value = attrs.fields_dict(cast("type[AttrsInstance]", obj))[match[1]].default
        return getattr(value, "__name__", None) or repr(value)

    signature = re.sub(r"attr_dict\['(\w+)'\]\.default", default, signature)
    return re.sub(r"\bNOTHING\b", "...", signature), returns  # made anew for each


def check_completeness(app: Sphinx, env: BuildEnvironment) -> None:
    """A public name that no page documents is a warning, and so ends the build."""
    known = env.domains.python_domain.objects
    for name in documented():
        if f"healthimaging_sdk.{name}" not in known:
            logger.warning("no page of the reference documents %s", name)


def resolve_home(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: TextElement
) -> Element | None:
    """A reference to where a public name lives is one to where it is imported from."""
    home, _, name = str(node.get("reftarget", "")).rpartition(".")
    if not home.startswith("healthimaging_sdk.") or name not in healthimaging_sdk.__all__:
        return None
    domain = env.domains.python_domain
    return domain.resolve_xref(
        env, node["refdoc"], app.builder, "obj", f"healthimaging_sdk.{name}", node, content
    )


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("public", Public)
    app.connect("autodoc-process-docstring", link_names)
    app.connect("autodoc-process-signature", tidy_signature)
    app.connect("env-check-consistency", check_completeness)
    app.connect("missing-reference", resolve_home)
    return {"parallel_read_safe": True}
