"""What JupyterLab's settings offer is what Python knows, and Python reads what the extension writes as it was meant."""

from __future__ import annotations

import ast
import inspect
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import xcrystal as xc
from xcrystal.explanation.methods import METHODS
from xcrystal.explorer.drawing.palette import COLOR_MAP, COLOR_MAPS
from xcrystal.explorer.session.state import METHOD

EXTENSION = Path(__file__).parents[1] / "extension"
SCHEMA: dict[str, Any] = json.loads((EXTENSION / "schema/plugin.json").read_text(encoding="utf-8"))
LITERALS: list[list[str]] = json.loads((EXTENSION / "src/opening/literals.json").read_text(encoding="utf-8"))


def offered(name: str) -> list[str]:
    return [choice["const"] for choice in SCHEMA["properties"][name]["oneOf"]]


def default(name: str) -> Any:
    return SCHEMA["properties"][name]["default"]


def test_methods_and_colour_maps_are_those_of_python() -> None:
    assert (offered("attributionMethod"), default("attributionMethod")) == (list(METHODS), METHOD)
    assert (offered("colourMap"), default("colourMap")) == (list(COLOR_MAPS), COLOR_MAP)
    titles = {choice["const"]: choice["title"].lower() for choice in SCHEMA["properties"]["attributionMethod"]["oneOf"]}
    assert titles == {name: method.title.lower() for name, method in METHODS.items()}


def test_defaults_are_what_explore_does_by_itself() -> None:
    parameters = inspect.signature(xc.explore).parameters
    assert parameters["model"].default == default("model")
    assert all(parameters[name].default is None for name in ("device", "color_map", "method", "overlay"))


@pytest.mark.parametrize("choice", offered("device"))
def test_every_device_is_one_of_torch_s(choice: str) -> None:
    import torch

    assert choice == "auto" or torch.device(choice).type == choice


@pytest.mark.parametrize(("text", "literal"), LITERALS)
def test_python_reads_back_the_name_of_a_file(text: str, literal: str) -> None:
    assert ast.literal_eval(literal) == text
    assert len(literal.splitlines()) == 1, "it begins a new line"
    call = ast.parse(f"xc.explore({literal}, overlay=[{literal}])", mode="eval").body
    assert isinstance(call, ast.Call)
    assert ast.literal_eval(call.args[0]) == text


def shortcuts_of_jupyterlab() -> Iterator[dict[str, Any]]:
    folder = Path(sys.prefix) / "share/jupyter/lab/schemas"
    for path in folder.rglob("*.json"):
        yield from json.loads(path.read_text(encoding="utf-8")).get("jupyter.lab.shortcuts", [])


def test_shortcuts_are_free() -> None:
    taken = {" ".join(shortcut["keys"]): shortcut["command"] for shortcut in shortcuts_of_jupyterlab()}
    assert len(taken) > 100, "JupyterLab's own shortcuts were not found"
    own = [" ".join(shortcut["keys"]) for shortcut in SCHEMA["jupyter.lab.shortcuts"]]
    assert own
    assert len(own) == len(set(own))
    assert {keys: taken[keys] for keys in own if keys in taken} == {}
