"""The gallery of classic structure types as a notebook shows it: pictures with captions."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, SupportsIndex, overload

from xcrystal.explorer import words

if TYPE_CHECKING:
    from xcrystal.crystal.gallery.entries import Entry

_WIDTH = 150


class Gallery(list["Entry"]):
    """A list of entries; as the last line of a notebook cell it shows a picture of each.

    ``gallery["rock salt"]`` finds an entry by its name, prototype, formula or Strukturbericht symbol, and a list of
    such names makes a smaller gallery.
    """

    @overload
    def __getitem__(self, place: SupportsIndex | str) -> Entry: ...

    @overload
    def __getitem__(self, place: slice | list[str]) -> Gallery: ...

    def __getitem__(self, place: SupportsIndex | str | slice | list[str]) -> Entry | Gallery:
        """An entry by its place or by one of its names; a slice, or a list of names, gives a gallery again.

        Raises
        ------
        KeyError
            If no entry, or more than one, is called so.
        """
        if isinstance(place, slice):
            return Gallery(super().__getitem__(place))
        if isinstance(place, list):
            return Gallery(self[name] for name in place)
        if not isinstance(place, str):
            return super().__getitem__(place)
        for names in (_proper_names, _formula):
            found = [entry for entry in self if place.casefold() in names(entry)]
            if len(found) == 1:
                return found[0]
            if found:
                several = ", ".join(repr(entry.name) for entry in found)
                raise KeyError(f"The gallery has several entries for {place!r}: {several}.")
        raise KeyError(f"The gallery has no entry {place!r}; their names are in [entry.name for entry in gallery].")

    def _repr_html_(self) -> str:
        """Pictures in a grid; each caption names the type, formula, space group and Strukturbericht symbol."""
        from xcrystal.explorer.drawing.svg_picture import svg

        figures = (
            f'<figure style="margin:0;width:{_WIDTH}px;text-align:center" title="{escape(entry.source)}">'
            f"{svg(entry.structure, width=_WIDTH)}"
            f"<figcaption><b>{escape(entry.name)}</b><br>{words.formula_html(entry.formula)}, "
            f"{words.space_group_html(entry.symbol)}{_type_html(entry)}</figcaption></figure>"
            for entry in self
        )
        return f'<div style="display:flex;flex-wrap:wrap;gap:12px">{"".join(figures)}</div>'


def open_gallery() -> Gallery:
    """Classic structure types, each with a crystal built from its space group and Wyckoff positions.

    Returns
    -------
    Gallery
        A list of entries: ``name``, ``prototype``, ``strukturbericht``, ``formula``, ``space_group``, ``structure``
        (the conventional cell) and ``source`` (of the lattice parameters). A notebook shows it as a grid of pictures.
    """
    from xcrystal.crystal.gallery.types import entries

    return Gallery(entries())


def _proper_names(entry: Entry) -> set[str]:
    return {name.casefold() for name in (entry.name, entry.prototype, entry.strukturbericht) if name}


def _formula(entry: Entry) -> set[str]:
    return {entry.formula.casefold()}


def _type_html(entry: Entry) -> str:
    """ " (B8<sub>1</sub>)" for "B8_1"; empty without a symbol."""
    symbol = re.sub(r"_(\w+)", r"<sub>\1</sub>", escape(entry.strukturbericht))
    return f" ({symbol})" if symbol else ""
