"""The benchmarks' crystals: the same each time, with formulas of their own in each split."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from xcrystal.benchmarks import VERSION, examples
from xcrystal.benchmarks.toy_crystals import SPLITS
from xcrystal.errors import TargetError

# of version 1: a change of any of them is another version
COUNTS, NAMES, VOLUME = [1248, 247, 292], "c657e916d96e7043", 21.929837


def test_this_version_has_these_crystals() -> None:
    names = "\n".join(example.name for split in SPLITS for example in examples(split))
    volumes = [example.structure.volume / len(example.structure) for split in SPLITS for example in examples(split)]
    assert VERSION == "1"
    assert [len(examples(split)) for split in SPLITS] == COUNTS
    assert hashlib.sha256(names.encode()).hexdigest()[:16] == NAMES
    assert np.mean(volumes) == pytest.approx(VOLUME, rel=1e-6)


def test_no_formula_is_in_two_splits() -> None:
    formulas = [{e.structure.composition.reduced_formula for e in examples(split)} for split in SPLITS]
    assert not (formulas[0] & formulas[1] | formulas[0] & formulas[2] | formulas[1] & formulas[2])


def test_atoms_are_apart_and_know_their_orbits() -> None:
    for example in examples("test"):
        structure = example.structure
        assert structure.is_valid(tol=0.9)
        assert len(structure.site_properties["orbit"]) == len(structure) == example.crystal.multiplicities.sum()


def test_a_split_that_does_not_exist_gets_one_sentence() -> None:
    with pytest.raises(TargetError, match="there are: train, val, test"):
        examples("holdout")  # type: ignore[arg-type]
