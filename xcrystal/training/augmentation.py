"""More crystals to reconstruct: elements exchanged for similar ones, cells strained, coordinates moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from xcrystal.crystal.collections.tokens import Tokens
from xcrystal.crystal.elements import MAX_Z, chemical_scale
from xcrystal.model.tensors import Batch, collate, lattice_numbers
from xcrystal.model.wyckoff_tables import position_tables


@dataclass(frozen=True)
class Augmentation:
    """How often and how strongly crystals are changed.

    Attributes
    ----------
    untouched
        Share of crystals that stay exactly as they are.
    substitute, anything
        Share of crystals whose elements are exchanged, and the share of these whose new elements may be any.
    reach
        How far along the chemical scale a similar element may lie.
    reassign
        Share of the substituted crystals in which every orbit draws its element anew, so that which orbits share an
        element is not learned by heart.
    drop
        Share of the substituted crystals that lose an orbit, so that which letters occur together is not either.
    jitter_share, jitter, far_jitter
        Share of the changed crystals whose free coordinates are moved, the spread of the move (fractional), and its
        spread in a sixth of those with exchanged elements: a tenth of all crystals.
    strain
        Relative spread of strains and of the volume.
    averaged
        Share of crystals with averaged sites, whose elements the encoder is not told: a random share of their orbits.
        Explanations start from crystals with nothing but such sites, which an encoder can only judge if it has seen
        them.
    """

    untouched: float = 0.2
    substitute: float = 0.6
    anything: float = 0.3
    reach: float = 5.0
    reassign: float = 0.25
    drop: float = 0.1
    jitter_share: float = 0.5
    jitter: float = 0.02
    far_jitter: float = 0.1
    strain: float = 0.03
    averaged: float = 0.0


_AT_ONCE = 50_000  # crystals, or orbits, of a dataset that is looked through
SIMPLE = 4  # orbits of a crystal that is learned soon


class Sampler:
    """Batches of a tokenized dataset, augmented or as they are."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.lengths = np.diff(tokens.start)
        scale = chemical_scale()[: MAX_Z + 1]
        parts = range(0, len(tokens.element), _AT_ONCE)
        counts = (np.bincount(tokens.element[i : i + _AT_ONCE], minlength=MAX_Z + 1)[: MAX_Z + 1] for i in parts)
        self.seen = seen = np.sum([np.zeros(MAX_Z + 1, dtype=int), *counts], axis=0)
        # only elements that occur: a substitution teaches nothing true about one never seen
        often = 3 if len(tokens) >= 1000 else 0
        self.pool = np.array(sorted(np.flatnonzero(seen > often), key=lambda z: scale[z]))
        self.rank = np.array([np.abs(scale[self.pool] - scale[z]).argmin() for z in range(MAX_Z + 1)])
        self.key = scale
        self.volume = self._element_volumes()
        self.frequencies = (seen / seen.sum()).astype(np.float32)

    def _element_volumes(self) -> np.ndarray:
        """(95,) volume (Å3) that an atom of each element takes, from a ridge regression over the dataset."""
        t, table = self.tokens, position_tables()
        gram, products, sums = np.zeros((MAX_Z + 1, MAX_Z + 1)), np.zeros(MAX_Z + 1), np.zeros(MAX_Z + 1)
        total = 0.0
        for rows in self._parts():
            orbits = slice(t.start[rows[0]], t.start[rows[-1] + 1])
            owner = np.repeat(np.arange(len(rows)), self.lengths[rows])
            positions = table.index[t.group[rows].astype(int)[owner], t.letter[orbits]]
            counts = np.zeros((len(rows), MAX_Z + 1))
            np.add.at(counts, (owner, t.element[orbits]), table.multiplicity[positions])
            fractions = counts / counts.sum(axis=1, keepdims=True)
            volumes = np.exp(self.lattice(rows)[:, 0].astype(float))
            gram += fractions.T @ fractions
            products += fractions.T @ volumes
            sums += fractions.sum(axis=0)
            total += volumes.sum()
        prior = total / len(t)
        gram += 3.0 * np.eye(MAX_Z + 1)
        return np.clip(prior + np.linalg.solve(gram, products - prior * sums), 4.0, 120.0)

    def _parts(self) -> Iterator[np.ndarray]:
        """All rows, some thousands at a time."""
        for i in range(0, len(self.tokens), _AT_ONCE):
            yield np.arange(i, min(i + _AT_ONCE, len(self.tokens)))

    def lattice(self, rows: np.ndarray) -> np.ndarray:
        """Lattice numbers (b, 7) float32 of the crystals of rows (b,)."""
        t = self.tokens
        return lattice_numbers(t.group[rows].astype(int), t.cell[rows], t.atoms[rows].astype(float))

    def lattice_scale(self) -> tuple[np.ndarray, np.ndarray]:
        """(7,) mean and standard deviation of the lattice numbers of all crystals."""
        sums, squares = np.zeros(7), np.zeros(7)
        for rows in self._parts():
            numbers = self.lattice(rows).astype(float)
            sums += numbers.sum(axis=0)
            squares += (numbers**2).sum(axis=0)
        mean = sums / len(self.tokens)
        return mean, np.sqrt(np.maximum(squares / len(self.tokens) - mean**2, 0))

    def epoch(self, batch_size: int, rng: np.random.Generator, simple_share: float = 1.0) -> list[np.ndarray]:
        """Rows (b,) of the batches of one pass, crystals of like length together.

        Of the crystals of at most ``SIMPLE`` orbits it takes the share ``simple_share``.
        """
        order = rng.permutation(len(self.tokens))
        if simple_share < 1:
            order = order[(self.lengths[order] > SIMPLE) | (rng.random(len(order)) < simple_share)]
        chunk = 16 * batch_size
        parts = [order[i : i + chunk] for i in range(0, len(order), chunk)]
        parts = [p[np.argsort(self.lengths[p], kind="stable")] for p in parts]
        batches = [p[i : i + batch_size] for p in parts for i in range(0, len(p), batch_size)]
        return [batches[i] for i in rng.permutation(len(batches))]

    def plain(self, rows: np.ndarray) -> Batch:
        """The crystals of rows (B,) as they are."""
        lattices = self.lattice(rows)
        return collate([(int(self.tokens.group[i]), lattices[k], *self._orbits(i)) for k, i in enumerate(rows)])

    def augmented(self, rows: np.ndarray, how: Augmentation, rng: np.random.Generator) -> tuple[Batch, np.ndarray]:
        """Changed crystals, and their properties (B, 3): NaN where the crystal's elements were changed.

        The element of an averaged site is 0.
        """
        properties = self.tokens.properties[rows].astype(np.float32)
        crystals, lattices = [], self.lattice(rows)
        for k, i in enumerate(rows):
            letters, elements, coordinates = self._orbits(i)
            lattice = lattices[k]
            group = int(self.tokens.group[i])
            kind = rng.random()
            if kind < how.untouched:
                crystals.append((group, lattice, letters, elements, coordinates))
                continue
            substituted = kind < how.untouched + how.substitute
            if substituted:
                before = self._volume_of(group, letters, elements)
                if rng.random() < how.reassign:
                    elements = self._reassigned(elements, how, rng)
                else:
                    elements = self._substituted(elements, how, rng)
                elements = elements[self._smallest_order(i, elements)]
                if len(letters) > 2 and rng.random() < how.drop:
                    kept = np.arange(len(letters)) != rng.integers(len(letters))
                    letters, elements, coordinates = letters[kept], elements[kept], coordinates[kept]
                lattice[0] += np.log(self._volume_of(group, letters, elements) / before)
                properties[k] = np.nan
            if rng.random() < how.jitter_share:
                far = substituted and rng.random() < 0.1 / (how.substitute * how.jitter_share)
                free = position_tables().free[position_tables().index[group, letters]]
                move = rng.normal(0, how.far_jitter if far else how.jitter, coordinates.shape)
                coordinates = (coordinates + move * free) % 1.0
            if how.averaged and rng.random() < how.averaged:
                elements = np.where(rng.random(len(elements)) < rng.random(), 0, elements)
                properties[k] = np.nan
            crystals.append((group, self._strained(group, lattice, how.strain, rng), letters, elements, coordinates))
        return collate(crystals), properties

    def _volume_of(self, group: int, letters: np.ndarray, elements: np.ndarray) -> float:
        """Volume per atom (Å3) that the elements of a crystal would take."""
        multiplicity = position_tables().multiplicity[position_tables().index[group, letters]]
        return float((self.volume[elements] * multiplicity).sum() / multiplicity.sum())

    def _reassigned(self, elements: np.ndarray, how: Augmentation, rng: np.random.Generator) -> np.ndarray:
        """Every orbit draws one of the crystal's elements, some of them exchanged."""
        kinds = np.unique(elements)
        if rng.random() < 0.5:
            kinds = np.unique(self._substituted(kinds, how, rng))
        return rng.choice(kinds, len(elements))

    def _orbits(self, i: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        orbits = slice(self.tokens.start[i], self.tokens.start[i + 1])
        return self.tokens.letter[orbits], self.tokens.element[orbits], self.tokens.coordinates[orbits]

    def _substituted(self, elements: np.ndarray, how: Augmentation, rng: np.random.Generator) -> np.ndarray:
        old = np.unique(elements)
        if len(old) > len(self.pool):
            return elements
        if rng.random() < how.anything:
            new = rng.choice(self.pool, len(old), replace=False)
        else:
            moved = self.rank[old] + np.rint(rng.normal(0, how.reach, len(old))).astype(int)
            new = self.pool[moved % len(self.pool)]
            if len(np.unique(new)) < len(new):
                return elements
        return new[np.searchsorted(old, elements)]

    def _smallest_order(self, i: int, elements: np.ndarray) -> np.ndarray:
        """Of the orders that describe the same crystal, the one that canonicalization would take."""
        t = self.tokens
        orders = t.permutations[t.permutation_start[i] : t.permutation_start[i + 1]].reshape(-1, len(elements))
        if len(orders) == 1:
            return np.arange(len(elements))
        keys = self.key[elements[orders]]
        return orders[np.lexsort(keys.T[::-1])[0]].astype(int)

    def _strained(self, group: int, lattice: np.ndarray, strain: float, rng: np.random.Generator) -> np.ndarray:
        table = position_tables()
        move = np.zeros(7, dtype=np.float32)
        move[0] = rng.normal(0, strain)
        shape = table.tie[group] @ rng.normal(0, strain / 2, 3)
        move[1:4] = shape - shape.mean()
        move[4:] = rng.normal(0, strain / 2, 3) * table.free_angles[group]
        return lattice + move
