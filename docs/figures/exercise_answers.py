"""Write docs/teaching/exercise-answers.md: what each exercise asks, how it is solved, and what is right here."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

from xcrystal.teaching import exercise
from xcrystal.teaching.exercises import LESSONS
from xcrystal.teaching.questions import Question, Task

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "teaching" / "exercise-answers.md"
_CHECK = re.compile(r'check\("(\w+)", \w+\)')
HEAD = """# Answers of the exercises

What each asks, how it is solved, and what is right with the model that ships; another model has other right answers.
Exercises that are drawn for a student are answered for the one that everybody has. Made by
`python docs/figures/exercise_answers.py`.
"""


def main() -> None:
    """Write the page."""
    texts = [HEAD]
    solutions = sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))
    for path in solutions:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        name = next(name for name in LESSONS if f'exercise("{name}"' in "\n".join(sources))
        opened = exercise(name, fresh=True)
        texts.append(f"## {int(path.stem[:2])}. {opened.title}\n")
        solved = {found.group(1): _CHECK.sub("", source) for source in sources if (found := _CHECK.search(source))}
        for key, question in opened.questions.items():
            texts.append(f"**{key}. {question.words}**\n\n```text\n{solved[key].strip()}\n```\n")
            texts.append(f"{_value(question)} {question.after}".strip() + "\n")
    PAGE.write_text("\n".join(texts), encoding="utf-8")


def _value(question: Question) -> str:
    """What is right, in a few words."""
    if isinstance(question, Task):
        return "Many answers are right; the check says what one lacks."
    truth = question.truth
    unit = getattr(question, "unit", "")
    if isinstance(truth, np.ndarray):
        return f"An array of the shape {truth.shape}."
    if isinstance(truth, float):
        return f"Right: {truth:.4g} {'' if unit == 'share' else unit}".rstrip() + "."
    if isinstance(truth, (set, frozenset, list, tuple)):
        return f"Right: {', '.join(sorted(map(str, truth)))}."
    return f"Right: {truth}."


if __name__ == "__main__":
    main()
