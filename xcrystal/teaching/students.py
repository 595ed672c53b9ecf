"""Each student has crystals of their own: a seed made of a name, and what it draws."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from xcrystal.errors import TargetError

T = TypeVar("T")


@dataclass(frozen=True)
class Student:
    """Whose exercise it is; without a name it is the one that everybody has.

    Attributes
    ----------
    name
        A name, a number, or whatever else the class goes by.
    seed
        Between 0 and 2³² - 1; the same for the same name, in whatever case and spacing it is written. 0 without a name.
    """

    name: str
    seed: int

    def pick(self, what: str, options: Sequence[T]) -> T:
        """One of the options; the first one without a name.

        Parameters
        ----------
        what
            It is for, so that a student's choices do not hang together.
        options
            From which it is picked.
        """
        return options[_number(f"{what}:{self.seed}") % len(options) if self.seed else 0]


def student(name: str | int = "") -> Student:
    """The student of a name or a number.

    >>> student("Ada Lovelace").seed == student("ada  lovelace").seed
    True

    Parameters
    ----------
    name
        Such as "Ada Lovelace" or 20417; without it, all have the same crystals.

    Raises
    ------
    TargetError
        If it is neither text nor a whole number.
    """
    if isinstance(name, bool) or not isinstance(name, (str, int)):
        raise TargetError(f"A student is told by a name or a whole number, not by a {type(name).__name__}.")
    words = " ".join(str(name).casefold().split())
    return Student(str(name), max(1, _number(words)) if words else 0)


def _number(words: str) -> int:
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:4], "big")
