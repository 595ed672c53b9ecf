"""Every error a user of xcrystal can meet: one class each, one clear sentence each."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from math import isfinite
from numbers import Integral, Real

MAX_MESSAGE = 400


def one_sentence(message: str) -> str:
    """``message`` on one line, cut to at most 400 characters."""
    flat = " ".join(message.split())
    return flat if len(flat) <= MAX_MESSAGE else flat[: MAX_MESSAGE - 1] + "…"


class XCrystalError(ValueError):
    """Base class of all errors that xcrystal raises for a user's input."""

    def __init__(self, message: str) -> None:
        super().__init__(one_sentence(message))


class ReadError(XCrystalError):
    """A file or object that cannot be read as a crystal."""


class InvalidCrystalError(XCrystalError):
    """A structure that is not an ordered, physically possible periodic crystal."""


class UnsupportedCrystalError(XCrystalError):
    """A valid crystal outside of what the model was made for; it can be drawn, but not encoded."""


class DatasetError(XCrystalError):
    """A folder or table that is not a dataset in xcrystal's format."""


class FetchError(XCrystalError):
    """Crystals that cannot be had from a database: no key, no client, no network, or no answer."""


class CheckpointError(XCrystalError):
    """Weights or a configuration that cannot be loaded."""


class ModelError(XCrystalError):
    """A model of a user's own that fails, or gives what cannot be."""


class CapabilityError(XCrystalError):
    """Something that a model cannot do, such as gradients of one that gives none."""


class RelaxationError(XCrystalError):
    """A crystal that cannot be relaxed, a potential that is not installed, or a hull that cannot be computed."""


class TargetError(XCrystalError):
    """An attribution target, method or option that does not exist."""


def check_one_of(name: str, known: Iterable[str], what: str) -> None:
    """Raise TargetError if ``name`` is not among those that are known."""
    if name not in (names := tuple(known)):
        raise TargetError(f"There is no {what} {name!r}; there are: {', '.join(names)}.")


def check_number(value: object, what: str) -> float:
    """Raise TargetError if ``value`` is no finite number; gives it back."""
    if isinstance(value, bool) or not isinstance(value, Real) or not isfinite(value):
        raise TargetError(f"{what} is a finite number, not {str(value)[:40]!r}.")
    return float(value)


def check_whole_number(value: object, what: str, least: int = 1) -> int:
    """Raise TargetError if ``value`` is no whole number of at least ``least``; gives it back."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise TargetError(f"{what} is a whole number of at least {least}, not {str(value)[:40]!r}.")
    return int(value)


class TargetWarning(UserWarning):
    """What is asked for lies beyond the data."""


class UnsupportedElementWarning(UserWarning):
    """An element that the model never or hardly saw in training."""


class UnsupportedCrystalWarning(UserWarning):
    """Crystals that were made for a model and that it cannot encode, none of them."""


class ServerWarning(UserWarning):
    """A model server that is not there, and what is done without it."""


class ReadingWarning(UserWarning):
    """Something that a file leaves open or contradicts itself in, and what was taken."""


def __getattr__(name: str) -> type[CapabilityError]:
    if name == "AbilityError":
        warnings.warn("xcrystal.errors.AbilityError is now CapabilityError.", DeprecationWarning, stacklevel=2)
        return CapabilityError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
