"""A hook of MkDocs: ``{{ FILE }}`` in a page is a file of the repository, ``{{ FILE # Heading }}`` a section of it."""

from __future__ import annotations

import re
from pathlib import Path
from posixpath import relpath
from typing import Any

from mkdocs.exceptions import PluginError

ROOT = Path(__file__).parents[1]
# files of the repository that are pages here, by page
PAGES = {
    "MODEL_CARD.md": "reference/model-card.md",
    "CHANGELOG.md": "reference/changelog.md",
    "CONTRIBUTING.md": "developers/contributing.md",
}
_INCLUDE = re.compile(r"^\{\{ (\S+)(?: # (.+?))? \}\}$", re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)\s]+)\)")
_HEADING = re.compile(r"^(#+) (.+)$")


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next one of its rank; without the heading itself.

    Raises
    ------
    KeyError
        If there is no such heading.
    """
    found: list[str] | None = None
    rank, fenced = 0, False
    for line in text.splitlines():
        fenced ^= line.startswith("```")
        head = None if fenced else _HEADING.match(line)
        if head and found is not None and len(head[1]) <= rank:
            break
        if found is not None:
            found.append(line)
        elif head and head[2] == heading:
            found, rank = [], len(head[1])
    if found is None:
        raise KeyError(heading)
    return "\n".join(found).strip() + "\n"


def included(name: str, heading: str | None, page: str) -> str:
    """A file or a section of it, with the links that it needs on this page."""
    path = ROOT / name
    if not path.is_file():
        raise PluginError(f"{page} includes {name}, which is not there.")
    try:
        text = path.read_text(encoding="utf-8")
        text = text if heading is None else section(text, heading)
    except KeyError:
        raise PluginError(f"{page} includes the section {heading!r} of {name}, which has none.") from None

    def moved(match: re.Match[str]) -> str:
        target, hash_, anchor = match[1].partition("#")
        known = PAGES.get(target) or (target.removeprefix("docs/") if target.startswith("docs/") else None)
        if known is None:
            raise PluginError(f"{page} includes {name}, which links to {target}: no page of this site.")
        return f"]({relpath(known, Path(page).parent.as_posix())}{hash_}{anchor})"

    return _LINK.sub(moved, text)


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Put the files in."""
    return _INCLUDE.sub(lambda m: included(m[1], m[2], page.file.src_uri), markdown)
