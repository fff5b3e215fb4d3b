"""What is never shown: patients, secrets, and what could hold them (rules R-21 and R-22)."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, cast

import attrs

REDACTED = "*** Sensitive Data Redacted ***"


def redacted(value: object) -> str:
    """The `repr` of an attribute that can hold patient data or a secret."""
    return "None" if value is None else REDACTED


def blank_out(text: str, model: object) -> str:
    """The text without any sensitive value of the model, whatever its case."""
    folded = text.casefold()
    # A document can hold thousands of values; few of them stand in the text.
    values = {
        value for value in _sensitive_values(model) if value.strip() and value.casefold() in folded
    }
    if not values:
        return text
    return re.sub(
        "|".join(map(_needle, sorted(values, key=len, reverse=True))),
        "***",
        text,
        flags=re.IGNORECASE,
    )


def _needle(value: str) -> str:
    # "M" for a sex must not blank out half of the sentence: one or two characters count as a word.
    return re.escape(value) if len(value) > 2 else rf"(?<!\w){re.escape(value)}(?!\w)"


def _sensitive_values(model: object) -> Iterator[str]:
    """Every text below the attributes whose `repr` is redacted."""
    if isinstance(model, list | tuple):
        for item in cast("list[object]", model):
            yield from _sensitive_values(item)
        return
    for attribute, value in _attributes(model):
        yield from _texts(value) if attribute.repr is redacted else _sensitive_values(value)


def _attributes(model: object) -> list[tuple["attrs.Attribute[object]", object]]:
    kind = type(model)
    if not attrs.has(kind):
        return []
    return [(attribute, getattr(model, attribute.name)) for attribute in attrs.fields(kind)]


def _texts(value: object) -> Iterator[str]:
    """Every text in a value of any depth, with what is in a document that is a text itself."""
    unseen: list[Any] = [value]
    while unseen:
        match unseen.pop():
            case None | bool():
                pass
            case str() | bytes() as text:
                document = _document(text)
                if document is None:
                    yield from _with_components(text)
                else:
                    unseen.append(document)
            case {**members}:
                # Keys are DICOM keywords, which messages need, or UIDs and private tags.
                yield from (key for key in map(str, members) if not key.isidentifier())
                unseen.extend(members.values())
            case [*items]:
                unseen.extend(items)
            case int() | float() | datetime() as scalar:
                yield str(scalar)
            case model:
                unseen.extend(value for _, value in _attributes(model))


def _document(text: str | bytes) -> Mapping[str, object] | None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("Mapping[str, object]", document) if isinstance(document, dict) else None


def _with_components(value: str | bytes) -> Iterator[str]:
    text = value if isinstance(value, str) else value.decode(errors="replace")
    yield text
    # The components of a person name stand alone in messages more often than together.
    yield from (part for part in re.split(r"[\^=\\]", text) if part != text)
