"""`{operations}` and `{migration}`: tables made from the catalogue of operations."""

import inspect
from collections.abc import Callable, Iterable, Iterator

import attrs
from botocore import xform_name
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from healthimaging_sdk import HealthImagingClient, Operation, Repetition, operations
from healthimaging_sdk._naming import to_wire, wire_name

Row = tuple[str, ...]
AnyOperation = Operation[attrs.AttrsInstance, attrs.AttrsInstance]


def _method(name: str) -> str:
    return f"{{py:meth}}`{name} <healthimaging_sdk.HealthImagingClient.{name}>`"


def _pager_of(method: str) -> str:
    named = method.removeprefix("list_").removeprefix("search_")
    return f"iter_{named}"


def operation_rows() -> Iterator[Row]:
    for operation in operations.ALL:
        method = xform_name(operation.name)
        rate = operation.rate
        doc = inspect.getdoc(getattr(HealthImagingClient, method)) or ""
        purpose = " ".join(doc.split("\n\n")[0].split())
        yield (
            _method(method),
            purpose,
            f"{rate.per_second:g}",
            str(rate.burst),
            _repetition(operation),
        )


def _repetition(operation: AnyOperation) -> str:
    """What a second sending would do, and when that is not so."""
    told = operation.repetition.value
    if operation.guarded_by:
        missing = operation.guarded_by.rpartition(".")[2]
        told += f"; without `{missing}`, {Repetition.UNGUARDED.value}"
    if operation.unguarded_by:
        told += f"; with `{operation.unguarded_by}`, {Repetition.UNGUARDED.value}"
    return told


def _wire_name(operation: AnyOperation, parameter: str) -> str:
    attribute = attrs.fields_dict(operation.request).get(parameter)
    return to_wire(parameter) if attribute is None else wire_name(attribute)


def migration_rows() -> Iterator[Row]:
    """The required parameters of each call, in boto3's words and in ours."""
    for operation in operations.ALL:
        method = xform_name(operation.name)
        parameters = inspect.signature(getattr(HealthImagingClient, method)).parameters.values()
        needed = [each for each in parameters if each.name != "self" and each.default is each.empty]
        theirs = ", ".join(f"{_wire_name(operation, each.name)}=…" for each in needed)
        ours = ", ".join(
            each.name if each.kind is each.POSITIONAL_OR_KEYWORD else f"{each.name}=…"
            for each in needed
        )
        yield f"`{method}({theirs})`", f"`await {method}({ours})`"
        if operation.items:
            yield (
                f'`get_paginator("{method}").paginate({theirs})`',
                f"`async for … in {_pager_of(method)}({ours})`",
            )
        if operation.blob:
            member = wire_name(attrs.fields_dict(operation.response)[operation.blob])
            yield (
                f'`answer["{member}"].read()`'
                + (", then `gzip.decompress`" if operation.gzipped else ""),
                f"`answer.{operation.blob}`" + (", decompressed" if operation.gzipped else ""),
            )


def markdown(head: Row, rows: Iterable[Row]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def table_directive(head: Row, rows: Callable[[], Iterable[Row]]) -> type[SphinxDirective]:
    class Table(SphinxDirective):
        def run(self) -> list[nodes.Node]:
            self.env.note_dependency(operations.__file__)
            parsed = self.parse_text_to_nodes(markdown(head, rows()))
            for table in parsed:
                if isinstance(table, nodes.table):
                    table["classes"].append(self.name)
            return parsed

    return Table


def setup(app: Sphinx) -> dict[str, bool]:
    head = ("method", "what it does", "a second", "at once", "a second sending is")
    app.add_directive("operations", table_directive(head, operation_rows))
    app.add_directive("migration", table_directive(("boto3", "here"), migration_rows))
    return {"parallel_read_safe": True}
