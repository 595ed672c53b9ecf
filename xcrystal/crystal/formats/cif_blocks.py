"""The grammar of CIF files: their words, and the names and values that these are. What they mean is not known here.

Read as the standard has it, but more leniently than a validator: a quote without an end is passed over, and a loop
with missing values is an error only where somebody needs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from xcrystal.crystal.limits import MAX_WORDS

_BLANKS = " \t\v\f"  # and no other space of Unicode
_MARKS = re.compile("['\"#]")
_WORDS = re.compile(f"[^{_BLANKS}]+")


class Token(NamedTuple):
    """A word, a quoted string or a block of text; ``line`` counts from 1.

    ``kind`` is "data", "loop", "name", "value", or "other" for the reserved words that crystals have no use for.
    """

    text: str
    line: int
    kind: str = "value"


def _word(text: str, line: int) -> Token:
    """What is not quoted."""
    first = text[0]
    if first == "_":
        return Token(text, line, "name")
    if first not in "dDlLsSgG":
        return Token(text, line)
    begin = text[:7].lower()
    if begin.startswith("data_"):
        return Token(text, line, "data")
    if begin == "loop_":
        return Token(text, line, "loop")
    return Token(text, line, "other" if begin.startswith("save_") or begin in ("stop_", "global_") else "value")


@dataclass(slots=True)
class Column:
    """The values of one name: one, or as many as its loop has rows; ``broken`` says what is wrong with that loop."""

    values: list[str] = field(default_factory=list)
    broken: str = ""


@dataclass
class Block:
    """What stands between one "data_" and the next: columns by name, in small letters and with "_" for "."."""

    name: str
    columns: dict[str, Column] = field(default_factory=dict)


def blocks_of(text: str) -> list[Block]:
    """All data blocks; none if the text is no CIF file.

    Raises
    ------
    ValueError
        With the reason, if a block of text has no end, or there are too many words.
    """
    blocks: list[Block] = []
    tokens = list(islice(_tokens(text), MAX_WORDS + 1))
    if len(tokens) > MAX_WORDS:
        raise ValueError(f"it holds more than {MAX_WORDS} words")
    at = 0
    while at < len(tokens):
        token = tokens[at]
        at += 1
        if token.kind == "data":
            blocks.append(Block(token.text[5:]))
        elif token.kind == "name" and blocks:
            column = Column()
            if at < len(tokens) and tokens[at].kind == "value":
                column = Column([tokens[at].text])
                at += 1
            _put(blocks[-1], token.text, column)
        elif token.kind == "loop" and blocks:
            at = _read_loop(tokens, at, blocks[-1])
    return blocks


def _read_loop(tokens: list[Token], at: int, block: Block) -> int:
    """Take the columns of a loop whose names begin at ``at``; where it ends."""
    line = tokens[at - 1].line
    begin = at
    while at < len(tokens) and tokens[at].kind == "name":
        at += 1
    names = [token.text for token in tokens[begin:at]]
    begin = at
    while at < len(tokens) and tokens[at].kind == "value":
        at += 1
    values = tokens[begin:at]
    broken = ""
    if names and len(values) % len(names):
        broken = f"the loop in line {line} has {len(values)} values for {len(names)} columns"
    for k, name in enumerate(names):
        own = values[k :: len(names)]
        _put(block, name, Column([token.text for token in own], broken))
    return at


def _put(block: Block, name: str, column: Column) -> None:
    key = name.lower().replace(".", "_")
    before = block.columns.setdefault(key, column)
    if before.values != column.values:
        before.broken = before.broken or f"{name} is given twice, with different values"


def _tokens(text: str) -> Iterator[Token]:
    lines = iter(enumerate(re.split(r"\r\n|\r|\n", text), start=1))
    for number, line in lines:
        if not line.startswith(";"):
            if _MARKS.search(line):
                yield from _tokens_in(line, number)
            else:
                for word in _WORDS.findall(line):
                    yield _word(word, number)
            continue
        parts, end, line = [line[1:]], *next(lines, (0, ""))
        while end and not line.startswith(";"):
            parts.append(line)
            end, line = next(lines, (0, ""))
        if not end:
            raise ValueError(f"the block of text that begins in line {number} has no end")
        yield Token("\n".join(parts).strip(), number)
        yield from _tokens_in(line[1:], end)


def _tokens_in(line: str, number: int) -> Iterator[Token]:
    last = {quote: line.rfind(quote) for quote in "'\""}  # looked for once, so that a line of quotes takes no longer
    at = 0
    while at < len(line):
        first = line[at]
        if first in _BLANKS:
            at += 1
            continue
        if first == "#":
            return
        if first in last:
            if last[first] > at:
                end = _closing(line, at)
                if end > 0:
                    yield Token(line[at + 1 : end], number)
                    at = end + 1
                    continue
                last[first] = at  # there is no end for later ones either
            at += 1
        end = at
        while end < len(line) and line[end] not in _BLANKS:
            end += 1
        if end > at:
            yield _word(line[at:end], number)
        at = max(end, at + 1)


def _closing(line: str, begin: int) -> int:
    """Where a quoted string ends: at the first such quote before a blank or the end; -1 if nowhere."""
    end = line.find(line[begin], begin + 1)
    while 0 <= end < len(line) - 1 and line[end + 1] not in _BLANKS:
        end = line.find(line[begin], end + 1)
    return end
