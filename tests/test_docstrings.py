"""Public functions on arrays say in their docstrings which shapes these have."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import xcrystal

ROOT = Path(xcrystal.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
ARRAYS = re.compile(r"\b(np\.ndarray|Tensor|NDArray)\b")
# "(n, 3)", "(n,)", "(..., Z)", "()" of a scalar tensor; sizes may be terms, as in "(n + 1, 2**k)"; no years, no names
NUMBER = r"(?:(?:\d{1,3} )?(?:[A-Z]{1,2}\d?|MAX_Z|[a-z_]+)|\d{1,3})"
SIZE = rf"(?:\.\.\.|{NUMBER}(?: ?(?:\*\*|[-+*/]) ?{NUMBER})*)"
SHAPE = re.compile(rf"\((?:{SIZE},|{SIZE}(?:, {SIZE})+|)\)")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def public_functions(body: list[ast.stmt], owner: str = "", shapes: str = "") -> Iterator[tuple[str, Function, str]]:
    """Public functions and methods with their qualified names, and the docstrings of the classes that they are in."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node.body, f"{owner}{node.name}.", ast.get_docstring(node) or "")
        elif isinstance(node, Function) and (not node.name.startswith("_") or node.name in ("__init__", "__call__")):
            yield f"{owner}{node.name}", node, shapes


def on_arrays(function: Function) -> bool:
    """Whether an argument or the result is annotated as an array or tensor, or as something that holds such."""
    if any("overload" in ast.unparse(one) for one in function.decorator_list):
        return False
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    annotations = [function.returns, *(one.annotation for one in every if one is not None)]
    return any(one is not None and ARRAYS.search(ast.unparse(one)) for one in annotations)


def without_shapes(source: str) -> list[str]:
    """Names of public functions on arrays whose docstring states no shape; of ``__init__``, the class may state it."""
    return [
        name
        for name, function, of_class in public_functions(ast.parse(source).body)
        if on_arrays(function)
        and not SHAPE.search((ast.get_docstring(function) or "") + (of_class if function.name == "__init__" else ""))
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_shapes_are_stated(path: Path) -> None:
    assert without_shapes(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("(n, 3) positions", True),
        ("Values (n,) of it.", True),
        ("(..., Z) vectors", True),
        ("(n + 1, 2 * k) edges", True),
        ("(2**k,) coalitions", True),
        ("(3 W,) states", True),
        ("(see there)", False),
        ("(Kim, 2018)", False),
        ("(in 1998, 3)", False),
        ("(a list, or an array of any kind)", False),
        ("Positions.", False),
    ],
)
def test_what_a_shape_looks_like(text: str, found: bool) -> None:
    source = f'import numpy as np\ndef f(x: list[np.ndarray]) -> None:\n    """{text}"""\n'
    assert without_shapes(source) == ([] if found else ["f"])


def test_what_is_private_or_on_no_arrays_needs_no_shape() -> None:
    private = "def _f(x: Tensor): ...\ndef g(x: int): ...\nclass _C:\n    def h(self, x: Tensor): ..."
    assert without_shapes(private) == []
    public = "class C:\n    def h(self, x: Tensor): ...\n    def i(self) -> 'Tensor | None': ..."
    assert without_shapes(public) == ["C.h", "C.i"]
