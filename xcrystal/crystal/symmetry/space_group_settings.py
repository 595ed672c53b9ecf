"""The settings that space groups are written in, by every symbol that files give them: spglib's table of 530.

A setting fixes axes and origin. A short symbol or a number may leave them open, so a symbol has a list of settings, the
usual one first: the unique axis b, hexagonal axes, the origin at a centre of inversion (choice 2).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

_MONOCLINIC = range(3, 16)
_CUBIC = range(195, 231)
_ORIGINS = {"s": "1", "z": "2"}  # letters that stood for the two origins
_E_GLIDES = {1: "bc", 2: "ac", 3: "ab"}  # what "e" was called before, by the axis that the plane is normal to


@dataclass(frozen=True)
class Setting:
    """One setting of a space group.

    Attributes
    ----------
    hall_number
        Its place in spglib's table, 1 to 530.
    number
        Of the space group, 1 to 230.
    symbol
        Full Hermann-Mauguin symbol.
    hall
        Hall symbol.
    choice
        What tells it from the others of its group: an origin, a unique axis, an order of axes, "H" or "R".
    """

    hall_number: int
    number: int
    symbol: str
    hall: str
    choice: str

    def operations(self) -> tuple[np.ndarray, np.ndarray]:
        """Rotations (n, 3, 3) and translations (n, 3), fractional, centring translations included."""
        import spglib

        database = spglib.get_symmetry_from_database(self.hall_number)
        assert database is not None
        return database["rotations"].astype(float), database["translations"].astype(float)


@cache
def all_settings() -> tuple[Setting, ...]:
    """All settings in the order of spglib's table."""
    import spglib

    found = (spglib.get_spacegroup_type(hall) for hall in range(1, 531))
    return tuple(
        Setting(k, t.number, t.international_full.replace("_", ""), t.hall_symbol, t.choice)
        for k, t in enumerate(found, start=1)
        if t is not None
    )


def plain(text: str) -> str:
    """What typography has put in the place of ASCII: minus signs and dashes, one-character fractions, wide digits."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", text)
    return re.sub("[\u2044\u2215]", "/", re.sub("[\u2010-\u2015\u2212]", "-", text))


def settings_of_number(number: int) -> list[Setting]:
    """All settings of a space group, the usual one first."""
    return _usual_first([setting for setting in all_settings() if setting.number == number])


def settings_of_hall(symbol: str) -> list[Setting]:
    """The setting of a Hall symbol, or none if the table does not have it."""
    key = _spaced(symbol)
    return [setting for setting in all_settings() if _spaced(setting.hall) == key][:1]


def settings_of_symbol(symbol: str) -> list[Setting]:
    """The settings that a Hermann-Mauguin symbol may stand for, the usual one first; none if it is not known.

    Parameters
    ----------
    symbol
        Short or full, with or without spaces, such as "P 21/n", "R -3 m :H", "F d -3 m S", "Pm3m" or "C m c a".
    """
    name, _, choice = plain(symbol).partition(":")
    key = _squashed(name)
    found = list(_names().get(key, ()))
    if not found and not choice and key[-1:] in ("s", "z", "h", "r"):  # as older files have it: "F d -3 m S"
        key, choice = key[:-1], key[-1]
        found = list(_names().get(key, ()))
    choice = _ORIGINS.get(choice.strip().lower(), choice.strip().lower())
    if choice:
        found = [setting for setting in found if _is_choice(setting, choice)]
    return _usual_first([all_settings()[hall - 1] for hall in sorted({setting.hall_number for setting in found})])


def _is_choice(setting: Setting, choice: str) -> bool:
    """Whether a setting is called so, in full ("b1", "2cab"), by its origin ("2") or by its cell choice ("1")."""
    own = setting.choice.lower()
    return choice in (own, own[:1], own[-1:] if setting.number in _MONOCLINIC else "")


@cache
def _names() -> dict[str, list[Setting]]:
    names: dict[str, list[Setting]] = {}
    for setting in all_settings():
        for name in {_squashed(name) for name in _spellings(setting)}:
            names.setdefault(name, []).append(setting)
    return names


def names() -> dict[str, list[int]]:
    """Hall numbers by symbol, in small letters and without spaces: what ``settings_of_symbol`` looks up."""
    return {name: [setting.hall_number for setting in found] for name, found in sorted(_names().items())}


def _spellings(setting: Setting) -> Iterator[str]:
    import spglib

    found = spglib.get_spacegroup_type(setting.hall_number)
    assert found is not None
    own = [setting.symbol, *(part for part in found.international.split(" = ")[1:])]
    if setting.number in _MONOCLINIC:
        own.append(" ".join(word for word in setting.symbol.split() if word != "1"))
    else:
        own += [found.international_short, found.international.split(" = ")[0]]
    if setting.choice == "H":
        own += ["H" + name[1:] for name in own]
    if setting.number in _CUBIC:
        own += [name.replace("-3", "3") for name in own]  # as it was written until 1983
    for name in own:
        yield name
        words = name.replace("_", "").split()
        for axis, letters in _E_GLIDES.items():
            if len(words) == 4 and words[axis].endswith("e"):
                yield from (" ".join([*words[:axis], words[axis][:-1] + c, *words[axis + 1 :]]) for c in letters)


def _spaced(symbol: str) -> str:
    """With its blanks, as "P 32" and "P 3 2" are two."""
    return " ".join(plain(symbol).replace("_", " ").lower().split())


def _squashed(symbol: str) -> str:
    return re.sub(r"<[^>]*>|[\s_()\\]", "", plain(symbol)).lower()


def _usual_first(settings: list[Setting]) -> list[Setting]:
    return sorted(settings, key=lambda s: (s.choice.startswith("1"), s.choice == "R", s.hall_number))
