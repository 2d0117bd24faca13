"""Pages as trees of elements: every text is escaped when it is written, so none can become markup."""

from collections.abc import Iterable
from html import escape

VOID = {"meta", "link", "input", "br", "hr"}


class Markup(str):
    """Text that is HTML already; only this module and `el` make it."""

    __slots__ = ()


Child = "Markup | str | int | None | Iterable[Child]"


def el(tag: str, *children: object, **attributes: object) -> Markup:
    """Return one element. Attribute names end in `_` where Python reserves the word; False and None leave one out."""
    parts = [tag]
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        spelled = name.rstrip("_").replace("_", "-")
        parts.append(spelled if value is True else f'{spelled}="{escape(str(value), quote=True)}"')
    head = f"<{' '.join(parts)}>"
    return Markup(head if tag in VOID else head + join(children) + f"</{tag}>")


def join(children: object) -> Markup:
    """Return children one after the other, text escaped."""
    if children is None or children is False:
        return Markup("")
    if isinstance(children, Markup):
        return children
    if isinstance(children, str | int):
        return Markup(escape(str(children)))
    if isinstance(children, Iterable):
        return Markup("".join(join(child) for child in children))
    raise TypeError(f"a page cannot show a {type(children).__name__}")


def field(label: str, name: str, *, kind: str = "text", hint: str = "", **more: object) -> Markup:
    """Return a labelled input."""
    described = f"{name}-hint" if hint else None
    return el(
        "div",
        el("label", label, for_=name),
        el("span", hint, class_="hint", id=described) if hint else None,
        el("input", type=kind, id=name, name=name, aria_describedby=described, **more),
        class_="field",
    )


def choice(label: str, name: str, options: Iterable[tuple[str, str]], *, chosen: str = "") -> Markup:
    """Return a labelled list to choose from."""
    rows = [el("option", text, value=value, selected=value == chosen) for value, text in options]
    select = el("select", rows, id=name, name=name, required=True)
    return el("div", el("label", label, for_=name), select, class_="field")
