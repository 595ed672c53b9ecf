"""What a check says: a verdict in words, with a sign and a colour for those who see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

RIGHT, WRONG, UNANSWERED, UNCLEAR, HINT = "right", "wrong", "unanswered", "unclear", "hint"
# blue and orange can be told apart by nearly everybody, on white and on black; sign and word say the same
_LOOKS = {
    RIGHT: ("✓", "Right", "#0072b2"),
    WRONG: ("✗", "Not yet", "#d55e00"),
    UNANSWERED: ("…", "Not answered yet", "#808080"),
    UNCLEAR: ("?", "Not understood", "#d55e00"),
    HINT: ("→", "Hint", "#808080"),
}


@dataclass(frozen=True)
class Verdict:
    """What is said of one answer.

    Attributes
    ----------
    key
        The letter of the question.
    state
        "right", "wrong", "unanswered", "unclear" (the answer is of another kind than what was asked for) or "hint".
    words
        A sentence or two; never the right answer of a question that is still open.
    """

    key: str
    state: str
    words: str = ""

    @property
    def right(self) -> bool:
        """Whether the answer is right."""
        return self.state == RIGHT

    def __repr__(self) -> str:
        sign, word, _ = _LOOKS[self.state]
        return f"{sign} {self.key}: {word}. {self.words}".rstrip()

    def _repr_html_(self) -> str:
        sign, word, colour = _LOOKS[self.state]
        return (
            f'<div role="status" style="border-left:4px solid {colour};padding:4px 10px;margin:4px 0">'
            f'<b><span style="color:{colour}" aria-hidden="true">{sign}</span> {escape(self.key)}: {word}.</b> '
            f"{escape(self.words)}</div>"
        )


@dataclass(frozen=True)
class Progress:
    """How far an exercise is.

    Attributes
    ----------
    title
        Of the exercise.
    rows
        For each question its key, what it asks, and the state of its last answer.
    """

    title: str
    rows: Sequence[tuple[str, str, str]]

    @property
    def right(self) -> int:
        """Number of questions that were answered right."""
        return sum(state == RIGHT for _, _, state in self.rows)

    @property
    def done(self) -> bool:
        """Whether nothing is left."""
        return self.right == len(self.rows)

    def __repr__(self) -> str:
        lines = [f"{_LOOKS[state][0]} {key}: {words} ({_LOOKS[state][1].lower()})" for key, words, state in self.rows]
        return "\n".join([f"{self.title}: {self.right} of {len(self.rows)} right", *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td><span style="color:{_LOOKS[state][2]}" aria-hidden="true">{_LOOKS[state][0]}</span></td>'
            f'<td>{escape(key)}</td><td style="text-align:left">{escape(words)}</td>'
            f"<td>{_LOOKS[state][1].lower()}</td></tr>"
            for key, words, state in self.rows
        )
        return (
            f"<p><b>{escape(self.title)}: {self.right} of {len(self.rows)} right</b> "
            f'<progress value="{self.right}" max="{len(self.rows)}" aria-label="questions answered right"></progress>'
            f"</p><table>{rows}</table>"
        )
