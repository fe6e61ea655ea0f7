"""The help: Markdown files of this package, shown in the site's frame. HTML in them is text."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from django.http import Http404
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

from catalog.admin.pages.base import page, render

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from markdown_it.token import Token

FOLDER = Path(__file__).resolve().parent.parent.parent / "help"
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
FIRST = "index"


class Page(NamedTuple):
    """One page of the help."""

    title: str
    body: SafeString


@page("catalog.view_modelrecord")
def show(request: HttpRequest, name: str = FIRST) -> HttpResponse:
    """One page of the help."""
    found = load(name)
    if found is None:
        raise Http404("The help has no such page.")
    crumbs = [] if name == FIRST else [("Help", "/help/")]
    return render(request, "catalog/help.html", found.title, section="help", body=found.body, crumbs=crumbs)


@cache
def load(name: str) -> Page | None:
    """A page by its name; None where there is none. Links to `other.md` become links to that page."""
    path = FOLDER / f"{name}.md"
    if not re.fullmatch(r"[a-z-]+", name) or not path.is_file():
        return None
    tokens = _MARKDOWN.parse(path.read_text(encoding="utf-8"))
    title = tokens[1].content
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", _slug(tokens[at + 1].content))
        for part in token.children or ():
            _relink(part)
    body = _MARKDOWN.renderer.render(tokens[3:], _MARKDOWN.options, {})
    return Page(title, mark_safe(body))  # noqa: S308 - our own files, and the renderer escapes HTML in them


def _slug(heading: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")


def _relink(token: Token) -> None:
    target = str(token.attrs.get("href", ""))
    if token.type == "link_open" and target.split("#", maxsplit=1)[0].endswith(".md"):
        name, mark, anchor = target.partition("#")
        token.attrSet("href", f"/help/{name.removesuffix('.md')}/{mark}{anchor}")
