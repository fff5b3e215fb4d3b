"""HTML in which every text is escaped, unless it was made here."""

from html import escape


class Markup(str):
    """A text that is HTML already."""

    __slots__ = ()


Content = Markup | str | int | None


def element(name: str, /, *content: Content, **attributes: str) -> Markup:
    """`element("td", "a < b", class_="id")` is `<td class="id">a &lt; b</td>`."""
    return Markup(f"{_opened(name, attributes)}{joined(*content)}</{name}>")


def void(name: str, /, **attributes: str) -> Markup:
    """An element that has no content, such as `img`."""
    return Markup(_opened(name, attributes))


def joined(*content: Content) -> Markup:
    return Markup("".join(map(_text, content)))


def _opened(name: str, attributes: dict[str, str]) -> str:
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
    )
    return f"<{name}{given}>"


def _text(content: Content) -> str:
    match content:
        case Markup():
            return content
        case None:
            return ""
        case _:
            return escape(str(content))
