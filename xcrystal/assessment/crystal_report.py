"""What can be said of one decoded crystal: could it exist, is it new, how far from the data, how sure was the model."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from xcrystal.assessment.novelty import KnownCrystals, Novelty
from xcrystal.assessment.validity import Validity, validity
from xcrystal.crystal.geometry.radii import covalent_radii
from xcrystal.errors import UnsupportedElementWarning, XCrystalError
from xcrystal.reporting import Report, columns, plain

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.latent.atlas import Atlas
    from xcrystal.wrapping import Explorable

FAR = 0.95  # farther from the data than this share of the known crystals: an extrapolation
RETURNS = 0.45  # of the root of the latent dimension: one farther than this from its crystal's own is no crystal's


class Interval(NamedTuple):
    """A predicted value, and the ends of its 90 % interval; None if they are not known."""

    value: float
    low: float | None = None
    high: float | None = None


class LeastCertain(NamedTuple):
    """The orbit whose element the decoder was least sure of: its number, Wyckoff position, element and probability."""

    orbit: int
    wyckoff: str
    element: str
    probability: float


@dataclass(frozen=True)
class CrystalReport(Report):
    """What is known of one decoded crystal; nothing of it is measured or computed by DFT.

    Attributes
    ----------
    formula, elements, atoms, space_group
        Reduced formula, number of its elements, atoms in the primitive cell, and number of the space group.
    validity
        Contacts, volume and charges; see ``xcrystal.assessment.validity``.
    closest
        The two elements of the shortest contact, relative to their radii; empty if there is none.
    novelty
        Whether the atlas holds it.
    distance, quantile
        Of the latent vector to its fifth nearest latent vector of the atlas, and the share of known crystals that are
        nearer to the others: above 0.95 it is an extrapolation.
    returned
        Distance between the latent vector and the latent vector of what was decoded from it, in units of the root of
        the latent dimension; None if that crystal cannot be encoded.
    group_probability
        How sure the decoder was of the space group; None if it does not say.
    least_certain
        The orbit whose element it was least sure of, or None.
    chosen
        "most probable", or why another candidate was taken.
    predicted
        Property name to value and 90 % interval.
    """

    formula: str
    elements: int
    atoms: int
    space_group: int | None
    validity: Validity
    closest: tuple[str, ...]
    novelty: Novelty
    distance: float
    quantile: float
    returned: float | None
    group_probability: float | None
    least_certain: LeastCertain | None
    chosen: str
    predicted: dict[str, Interval]

    @property
    def apart(self) -> bool:
        """No two atoms too close: neither below 0.5 Å, nor below 0.7 of the sum of their covalent radii."""
        return self.validity.apart and self.validity.no_overlap

    @property
    def charges(self) -> str:
        """Whether known oxidation states can balance, as SMACT finds.

        "balanced"; "unbalanced"; "element" or "alloy" of metals only, which need not balance; "not tried" for too many
        elements.
        """
        composition = self.validity.composition
        if self.elements == 1:
            return "element"
        if composition.metals_only:
            return "alloy"
        if composition.too_many_elements:
            return "not tried"
        return "balanced" if composition.smact else "unbalanced"

    @property
    def extrapolates(self) -> bool:
        """Whether the latent vector is farther from the data than 95 % of the known crystals."""
        return self.quantile > FAR

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON."""
        found = super().to_dict()
        found |= {"apart": self.apart, "charges": self.charges, "extrapolates": self.extrapolates}
        found["novelty"] |= {"new": self.novelty.new, "known_formula": self.novelty.known_formula}
        found["least_certain"] = None if self.least_certain is None else self.least_certain._asdict()
        found["predicted"] = {name: bounds._asdict() for name, bounds in self.predicted.items()}
        read: dict[str, Any] = plain(found)
        return read

    def table(self) -> str:
        """The report as lines of text."""
        contact = f"{self.validity.shortest_distance:.2f} Å"
        ratio = f"{self.validity.contact_ratio:.2f} of the sum of radii ({'-'.join(self.closest)})"
        rows = [
            ["formula", f"{self.formula}, {self.atoms} atoms, space group {self.space_group}"],
            ["atoms apart", f"{_yes(self.apart)}: shortest distance {contact}, shortest contact {ratio}"],
            ["charges", self.charges],
            ["new", self._novelty_words()],
            ["extrapolation", f"{_yes(self.extrapolates)}: farther from the data than {self.quantile:.0%} of crystals"],
        ]
        if self.returned is not None:
            rows.append(["own latent vector", f"{self.returned:.2f} from the latent vector, per root of dimension"])
        if self.group_probability is not None:
            rows.append(["space group", f"probability {self.group_probability:.2f}"])
        if self.least_certain is not None:
            least = self.least_certain
            rows.append(["least certain", f"{least.element} on {least.wyckoff}, probability {least.probability:.2f}"])
        rows.append(["decoded as", self.chosen])
        for name, found in self.predicted.items():
            bounds = "" if found.low is None else f" ({found.low:.3f} to {found.high:.3f})"
            rows.append([name, f"{found.value:.3f}{bounds}"])
        return columns(rows)

    def _novelty_words(self) -> str:
        novelty = self.novelty
        if novelty.match is not None:
            where = "no" if novelty.in_train else "not in the training data, but in the atlas"
            return f"{where}: like the decode of {novelty.match}, RMS {novelty.rms:.3f}"
        if not novelty.known_formula:
            return "yes: the atlas has no crystal of this formula"
        return f"yes: like none of {novelty.compared} crystals of this formula"


def crystal_report(
    model: Explorable, atlas: Atlas, structure: Structure, z: np.ndarray, known: KnownCrystals | None = None
) -> CrystalReport:
    """Judge one crystal that was decoded from a latent vector.

    Parameters
    ----------
    model, atlas
        That it belongs to.
    structure
        A decode, as ``CrystalModel.decode`` gives it.
    z
        (latent_dim,) what it was decoded from.
    known
        The decodes of the atlas; give the same each time, so that they are made only once.

    Raises
    ------
    InvalidCrystalError
        If the structure is disordered, empty or not finite, or ``z`` has another shape.
    """
    from xcrystal.latent.density import Density

    z = np.asarray(z, dtype=np.float32).reshape(-1)
    judged = validity(structure)
    distance, quantile = Density.of(atlas).extrapolation(z)
    properties = structure.properties
    group, certainty = properties.get("space_group"), properties.get("space_group_probability")
    return CrystalReport(
        formula=structure.composition.reduced_formula,
        elements=len(structure.composition),
        atoms=len(structure),
        space_group=None if group is None else int(group),
        validity=judged,
        closest=_closest(structure, judged),
        novelty=(known or KnownCrystals(model, atlas)).novelty(structure, z),
        distance=distance,
        quantile=quantile,
        returned=_returned(model, structure, z),
        group_probability=None if certainty is None else float(certainty),
        least_certain=_least_certain(structure),
        chosen=str(properties.get("chosen", "")),
        predicted=intervals(model, z),
    )


def prepare(atlas: Atlas) -> None:
    """Load what the first report waits for longest, about a second; may be done in any thread."""
    from xcrystal.assessment.validity import composition_validity
    from xcrystal.crystal.geometry.matching import matcher
    from xcrystal.latent.density import Density

    matcher()
    composition_validity(((11, 1), (17, 1)))
    Density.of(atlas).own  # noqa: B018  (measured at first use, and kept)


def intervals(model: Explorable, z: np.ndarray) -> dict[str, Interval]:
    """Predicted properties of one latent vector (latent_dim,), with 90 % intervals if the model knows them."""
    bounds = model.known_intervals(z)
    return {
        name: Interval(float(found[0]), *(map(float, bounds[name][0]) if name in bounds else ()))
        for name, found in model.predict(z).items()
    }


def _closest(structure: Structure, judged: Validity) -> tuple[str, ...]:
    """Elements of the contact that is shortest relative to its radii."""
    if not 0 < judged.contact_ratio < math.inf:
        return ()
    numbers = np.array([site.specie.Z for site in structure])
    radii = covalent_radii(numbers)
    one, other, _, distances = structure.get_neighbor_list(judged.contact_ratio * 2 * radii.max() + 0.01)
    if not len(distances):
        return ()
    nearest = int((distances / (radii[one] + radii[other])).argmin())
    return tuple(sorted(structure[int(k)].specie.symbol for k in (one[nearest], other[nearest])))


def _returned(model: Explorable, structure: Structure, z: np.ndarray) -> float | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnsupportedElementWarning)  # it is about training, not about this number
            code = model.encode(structure)[0]
    except XCrystalError:
        return None
    return float(np.linalg.norm(code - z) / math.sqrt(len(z)) / model.spread)


def _least_certain(structure: Structure) -> LeastCertain | None:
    sites = structure.site_properties
    if not {"orbit", "wyckoff", "element_probability"} <= set(sites) or not len(structure):
        return None
    site = int(np.argmin(sites["element_probability"]))
    return LeastCertain(
        int(sites["orbit"][site]),
        str(sites["wyckoff"][site]),
        structure[site].specie.symbol,
        float(sites["element_probability"][site]),
    )


def _yes(value: bool) -> str:
    return "yes" if value else "no"
