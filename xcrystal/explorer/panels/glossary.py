"""The terms of the explorer in plain words, and whether a model or deterministic chemistry stands behind each."""

from __future__ import annotations

from dataclasses import dataclass

MODEL, CHEMISTRY, BOTH = "model", "deterministic chemistry", "both"


@dataclass(frozen=True)
class Term:
    """One entry: its ``name``, one or two sentences of ``text``, and its ``kind``.

    The kind is "model" for what a trained network says and may be wrong about, "deterministic chemistry" for what
    follows from the atoms by fixed rules, and "both" where a rule is applied to what a network says.
    """

    name: str
    text: str
    kind: str


def term(name: str) -> Term:
    """The entry of a term; upper and lower case are the same.

    Raises
    ------
    KeyError
        If there is none.
    """
    return _BY_NAME[_ALIASES.get(name.lower(), name.lower())]


def terms(*names: str) -> dict[str, dict[str, str]]:
    """Entries as JSON for the scripts of panels, by the names that were asked for."""
    found = {name: term(name) for name in names}
    return {name: {"name": entry.name, "text": entry.text, "kind": entry.kind} for name, entry in found.items()}


TERMS = (
    Term(
        "latent vector",
        "The row of numbers that the model squeezes a crystal into, written z. Moving through the latent space "
        "means changing these numbers.",
        MODEL,
    ),
    Term(
        "latent space",
        "All latent vectors together. Crystals that the model finds alike lie near each other in it.",
        MODEL,
    ),
    Term(
        "encode",
        "To turn a crystal into its latent vector. The same crystal gives the same vector, however it is written.",
        MODEL,
    ),
    Term(
        "decode",
        "To turn a latent vector into a crystal: space group, lattice and atoms. Every vector gives some crystal, "
        "which need not be able to exist.",
        MODEL,
    ),
    Term(
        "greedy decode",
        "The crystal that comes out if the model takes the most probable choice at each step. Reranking and a search "
        "may find another one that is nearer to the latent vector.",
        MODEL,
    ),
    Term(
        "reconstruction",
        "The crystal that you get by encoding a crystal and decoding it again. The closer it is to the original, "
        "the more of it the model has kept.",
        MODEL,
    ),
    Term(
        "principal direction",
        "A direction along which the latent vectors of known crystals differ most. Such directions come from "
        "statistics and need not have a meaning in chemistry.",
        MODEL,
    ),
    Term(
        "property direction",
        "The direction in which a predicted property changes fastest on average. Other things usually change "
        "along with it.",
        MODEL,
    ),
    Term(
        "concept direction",
        "The direction from one group of crystals to another, such as from other oxides to perovskites.",
        MODEL,
    ),
    Term(
        "TCAV",
        "Testing with concept activation vectors: the share of crystals whose predicted value would rise with a small "
        "step towards a concept, such as perovskite. It counts only if random groups of crystals do not do the same.",
        MODEL,
    ),
    Term(
        "atlas",
        "The known crystals that belong to the model, with their latent vectors and their properties computed by DFT.",
        BOTH,
    ),
    Term(
        "map",
        "A flat picture of the latent space, made by UMAP: close neighbours stay close, but distances between distant "
        "regions, and their shapes, mean little.",
        MODEL,
    ),
    Term(
        "formation energy",
        "The energy of a crystal compared with its elements, per atom; negative means that the crystal is favoured. "
        "Here it is predicted by a network trained on DFT values.",
        MODEL,
    ),
    Term(
        "energy above hull",
        "The energy per atom that would be released if the crystal fell apart into the known crystals that are lowest "
        "in energy; 0 means on the hull, up to 0.05 eV/atom near it. Here it is predicted.",
        MODEL,
    ),
    Term(
        "relaxing",
        "Moving atoms and cell downhill in energy until no force is left. Here a potential that was learned from DFT, "
        "CHGNet, tells the forces.",
        MODEL,
    ),
    Term(
        "band gap",
        "The energy that an electron needs to move freely: zero in metals. Here it is a prediction of PBE values, "
        "which are mostly smaller than measured ones.",
        MODEL,
    ),
    Term(
        "90 % interval",
        "For about 90 of 100 crystals that the model has not seen, the true DFT value lies in this range; far from "
        "the data, for fewer.",
        MODEL,
    ),
    Term(
        "space group",
        "One of 230 sets of symmetries that a crystal can have, such as rotations and mirrors. The model chooses "
        "it first; the atoms then obey it exactly.",
        BOTH,
    ),
    Term(
        "Wyckoff position",
        "A kind of place in the cell that a space group offers, such as 4a: if one atom sits there, symmetry puts "
        "all its copies, four in this case.",
        CHEMISTRY,
    ),
    Term(
        "orbit",
        "All atoms that symmetry makes equal. They share one element and one Wyckoff position.",
        CHEMISTRY,
    ),
    Term(
        "lattice",
        "The box that repeats in all directions: three lengths and three angles.",
        BOTH,
    ),
    Term(
        "extrapolation",
        "To ask the model about a latent vector that is farther from known crystals than most of them are from each "
        "other. It has seen little like it there and should be trusted less.",
        MODEL,
    ),
    Term(
        "counterfactual",
        "The smallest change of a crystal after which the model predicts something else of it: an insulator instead of "
        "a metal. It is marked where the difference lies beyond the model's error.",
        MODEL,
    ),
    Term(
        "certainty",
        "The probability that the model gave to its own choice of a space group or an element. It says how sure "
        "the model is, not how likely the crystal is to exist.",
        MODEL,
    ),
    Term(
        "runner-up",
        "What the model would have chosen otherwise. One click shows it.",
        MODEL,
    ),
    Term(
        "own latent vector",
        "The latent vector of the decoded crystal itself. If it is far from the one that was decoded, the model does "
        "not quite mean this crystal.",
        MODEL,
    ),
    Term(
        "attribution",
        "How much each atom contributes to a prediction, compared with a baseline. It explains the network, not "
        "nature.",
        MODEL,
    ),
    Term(
        "baseline",
        "The neutral starting point that an attribution compares with. Another baseline gives other numbers.",
        MODEL,
    ),
    Term(
        "completeness",
        "That the scores of all parts add up to the difference between this crystal and its baseline. What is missing "
        "is not explained.",
        CHEMISTRY,
    ),
    Term(
        "agreement of methods",
        "Two methods that work differently should put the parts of a crystal in the same order. How far "
        "they do is a number: 1 for the same order, 0 for none, −1 for the reverse.",
        MODEL,
    ),
    Term(
        "known-answer task",
        "A test of explanations: a model of the same kind is trained on a target whose true share of each atom is "
        "known, and the method has to find it. Random scores are tried, too.",
        MODEL,
    ),
    Term(
        "integrated gradients",
        "A method of attribution: the model's slope, added up along the straight line from the baseline to the "
        "crystal.",
        MODEL,
    ),
    Term(
        "Shapley values",
        "A method of attribution: what a part adds on average, over all orders in which the parts can take their "
        "places.",
        MODEL,
    ),
    Term(
        "gradient SHAP",
        "A method of attribution: the model's slope at random points between baseline and crystal, times the way.",
        MODEL,
    ),
    Term(
        "input x gradient",
        "A method of attribution: the model's slope at the crystal times the way from the baseline.",
        MODEL,
    ),
    Term(
        "feature ablation",
        "A method of attribution: one part is put to its baseline, and the change is its score.",
        MODEL,
    ),
    Term(
        "occlusion",
        "A method of attribution: the atoms are taken out, as a vacancy, and the change is their score.",
        MODEL,
    ),
    Term(
        "saliency",
        "How steeply the model answers to a small change of a part. It has no sign and needs no baseline.",
        MODEL,
    ),
    Term(
        "SmoothGrad",
        "Saliency, averaged over small random changes of the crystal.",
        MODEL,
    ),
    Term(
        "prior",
        "The distribution from which new latent vectors are drawn, learned from those of known crystals.",
        MODEL,
    ),
    Term(
        "interpolation",
        "Steps from one latent vector to another, each of them decoded. What lies between need not be able to exist.",
        MODEL,
    ),
    Term(
        "steering",
        "Small steps of the latent vector that raise or lower a predicted property, kept near known crystals. The "
        "prediction improves; nature may disagree.",
        MODEL,
    ),
    Term(
        "match",
        "Two crystals match if pymatgen's StructureMatcher can lay one over the other. RMS is how far their atoms "
        "are apart then, as a share of the typical distance of atoms.",
        CHEMISTRY,
    ),
    Term(
        "valid",
        "Valid means here that no two atoms are closer than 0.7 of the sum of their covalent radii. That is "
        "necessary for a crystal, but not enough.",
        CHEMISTRY,
    ),
    Term(
        "charge balance",
        "Whether known oxidation states of the elements can add up to zero, by the rules of SMACT. Alloys and "
        "pure elements need not balance.",
        CHEMISTRY,
    ),
    Term(
        "novelty",
        "New means: unlike everything that the model decodes for the known crystals of the same formula in the "
        "atlas. Entries of the database that may be hypothetical do not count as known.",
        BOTH,
    ),
    Term(
        "nearest known crystals",
        "The crystals of the atlas whose latent vectors are closest to this one.",
        MODEL,
    ),
    Term(
        "primitive cell",
        "The smallest box that repeats. The conventional cell is a larger one that shows the symmetry better; "
        "both describe the same crystal.",
        CHEMISTRY,
    ),
    Term(
        "bond",
        "A line between neighbours: atoms with no other between them, as far apart as the rest of their shell. "
        "Between metals it is thin. It is drawn for the eye; the model knows no bonds.",
        CHEMISTRY,
    ),
    Term(
        "powder pattern",
        "How strongly a powder of a crystal scatters X-rays into each angle 2θ. Each peak comes from planes of atoms "
        "a distance d apart: λ = 2 d sin θ.",
        CHEMISTRY,
    ),
    Term(
        "Miller indices",
        "Three numbers hkl that name a family of parallel planes: they cut the edges a, b and c of the cell into h, k "
        "and l parts. A bar stands for a minus.",
        CHEMISTRY,
    ),
    Term(
        "DFT",
        "Density functional theory: the quantum mechanical calculation behind the known values. No decoded "
        "crystal here has been computed with it.",
        CHEMISTRY,
    ),
)
_BY_NAME = {entry.name.lower(): entry for entry in TERMS}
_ALIASES = {
    "z": "latent vector",
    "umap": "map",
    "rms": "match",
    "smact": "charge balance",
    "neighbours": "nearest known crystals",
    "direction": "principal direction",
    "path": "interpolation",
    "uncertainty": "90 % interval",
    "new": "novelty",
    "conventional cell": "primitive cell",
}
