"""Acts that were saved as lines of Python, in version 1 of saved sessions."""

from __future__ import annotations

import ast
from dataclasses import fields
from typing import Any

import numpy as np

from xcrystal.errors import ReadError
from xcrystal.explorer.session.commands import LEADING, Command, PlainCrystal, checked_command

_OLD_NAMES = {
    "set_property": "property_sliders.set",
    "go_to_place": "navigation.go_to_coordinates",
    "surprise": "navigation.sample",
    "wander": "navigation.random_step",
    "search_nearer": "refinement.search_nearer",
    "show_alternative": "assessment.show_alternative",
    "show_candidate": "steering.show_candidate",
    "substitute": "modifications.substitute",
    "remove": "modifications.remove",
    "move_orbit": "modifications.move_orbit",
    "strain": "modifications.strain",
    "show_frame": "interpolation.show_frame",
    "show_latent": "sliders.show_latent",
    "add_concept": "directions.add",
}
_KINDS = {kind.call: kind for kind in LEADING}


def command_of_line(line: str) -> Command:
    """The act that a line such as "session.move('principal 1', 0.5)" asks for; it is read, and never run.

    Raises
    ------
    ReadError
        If it is anything else than one act that leads to a crystal, with plain values.
    """
    try:
        node = ast.parse(line, mode="eval").body
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            raise ReadError("This is no act.")
        owner, name = node.func.value, node.func.attr
        kind = _KINDS.get(_OLD_NAMES.get(name, name))
        if not isinstance(owner, ast.Name) or owner.id != "session" or kind is None:
            raise ReadError(f"A session has no act {name!r}.")
        names = [one.name for one in fields(kind) if not (one.kw_only or one.metadata.get("result"))]
        given = dict(zip(names, map(_value, node.args), strict=False))
        given |= {keyword.arg or "": _value(keyword.value) for keyword in node.keywords}
        if len(node.args) > len(names):
            raise ReadError(f"The act {name!r} has fewer values.")
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError) as error:
        raise ReadError(str(error)) from error
    return checked_command(kind, given)


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Structure":
        if node.keywords or len(node.args) != 3:
            raise ReadError("A crystal is a cell, symbols and coordinates.")
        matrix, species, points = map(ast.literal_eval, node.args)
        flat = (tuple(np.asarray(rows, dtype=float).ravel().tolist()) for rows in (matrix, points))
        cell, coordinates = flat
        return PlainCrystal(cell, tuple(species), coordinates)
    return ast.literal_eval(node)
