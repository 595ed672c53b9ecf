"""One decode, step by step: it is the decode itself, choices can be overruled, and why a choice was taken adds up."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import xcrystal as xc
from tests.crystals import CRYSTALS
from xcrystal.crystal.geometry.matching import looks_the_same
from xcrystal.errors import CapabilityError, TargetError
from xcrystal.explanation.choice_attribution import COORDINATES, OTHERS, decode_change, explain_choice
from xcrystal.explanation.decode_steps import DecodeSteps, decode_steps
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas
from xcrystal.latent.paths import interpolate

PEROVSKITE, QUARTZ = CRYSTALS["perovskite SrTiO3"], CRYSTALS["quartz SiO2"]


@pytest.fixture(scope="module")
def steps(model: CrystalModel) -> DecodeSteps:
    return decode_steps(model, PEROVSKITE.to_structure())


@pytest.fixture(scope="module")
def unsure(model: CrystalModel) -> np.ndarray:
    """(4, Z) latent vectors of nobody, at which the decoder is unsure."""
    return np.asarray(model.sample_latent(4, seed=3))


def test_the_steps_are_those_of_the_greedy_decode(model: CrystalModel, unsure: np.ndarray) -> None:
    for z in unsure:
        found, decoded = decode_steps(model, z), model.decode_arrays(z, effort="fast")[0]
        assert found.structure == model.decode(z, effort="fast")[0]
        assert all(step.greedy for step in found.steps)
        p = {step.name: step.probability for step in found.steps}
        assert p["space group"] == pytest.approx(decoded.group_probability, abs=1e-4)
        for k, likely in enumerate(decoded.element_probability):
            assert p[f"element of orbit {k + 1}"] == pytest.approx(likely, abs=1e-4)
        letters = [step.probability for step in found.steps if step.kind == "position"]
        assert min(letters) == pytest.approx(decoded.letter_probability, abs=1e-4)


def test_alternatives_are_a_distribution_and_the_log_likelihood_their_sum(
    model: CrystalModel, unsure: np.ndarray
) -> None:
    found = decode_steps(model, unsure[0])
    for step in found.steps:
        if step.alternatives:
            assert sum(one.probability for one in step.alternatives) == pytest.approx(1, abs=1e-5)
            probabilities = [one.probability for one in step.alternatives]
            assert probabilities == sorted(probabilities, reverse=True)
    known = [step.probability for step in found.steps if step.kind != "cell"]
    assert found.log_likelihood == pytest.approx(np.log(known).sum(), abs=1e-4)
    assert list(found.table["log_likelihood"]) == sorted(found.table["log_likelihood"], reverse=True)


def test_a_crystal_with_free_coordinates_tells_their_bins(model: CrystalModel) -> None:
    found = decode_steps(model, QUARTZ)
    step = found.step("coordinates of orbit 1")
    assert step.taken.startswith("0.4")
    assert 0 < step.probability < 1
    assert step.alternatives == ()


def test_overruling_changes_that_choice_and_what_follows(steps: DecodeSteps) -> None:
    other = steps.overrule("element of orbit 1", "Ca")
    assert other.formula == "CaTiO3"
    assert [step.name for step in other.steps if step.overruled] == ["element of orbit 1"]
    assert other.log_likelihood < steps.log_likelihood
    assert steps.overrule("space group", 225).crystal.space_group == 225
    assert steps.overrule("space group", "Fm-3m").crystal.space_group == 225
    assert len(steps.overrule("position of orbit 2", "end").crystal.positions) == 1
    assert steps.overrule("position of orbit 1", "b").crystal.letters[0] == "b"


def test_a_rank_is_a_choice_by_its_probability(steps: DecodeSteps) -> None:
    step = steps.step("element of orbit 2")
    assert looks_the_same(steps.overrule(step.name, rank=1).structure, steps.structure)
    assert steps.overrule(step.name, rank=2).step(step.name).taken == step.alternatives[1].text
    with pytest.raises(TargetError, match="rank"):
        steps.overrule(step.name, rank=0)
    with pytest.raises(TargetError, match="has 94 possible choices, not 95"):
        steps.overrule(step.name, rank=95)
    with pytest.raises(TargetError, match="either a choice or a rank"):
        steps.overrule(step.name)


def test_what_was_overruled_before_stays_and_what_came_after_is_decided_anew(steps: DecodeSteps) -> None:
    both = steps.overrule("element of orbit 1", "Ca").overrule("element of orbit 2", "Zr")
    assert (both.formula, len(both.overruled)) == ("CaZrO3", 2)
    again = both.overrule("element of orbit 1", "Ba")
    assert again.overruled == (("element of orbit 1", "Ba"),)
    assert again.formula != both.formula
    written = decode_steps(steps.model, steps.z, {"element of orbit 1": "Ca", "element of orbit 2": "Zr"})
    assert written.structure == both.structure


@pytest.mark.parametrize(
    ("step", "choice", "said"),
    [
        ("element of orbit 1", "Xx", "knows no element 'Xx'; it knows those from H to Pu"),
        ("position of orbit 1", "z", "Space group 221 .* has no Wyckoff position 'z'"),
        ("position of orbit 2", "1a", "is impossible at the position of orbit 2"),
        ("position of orbit 1", "end", "cannot end before the first orbit"),
        ("space group", 231, "There is no space group '231'"),
        ("cell", "4", "cannot be overruled"),
        ("element of orbit 9", "O", "has no step 'element of orbit 9'"),
    ],
)
def test_an_impossible_choice_is_said_in_one_sentence(
    steps: DecodeSteps, step: str, choice: int | str, said: str
) -> None:
    with pytest.raises(TargetError, match=said):
        steps.overrule(step, choice)


def test_the_crystal_grows_orbit_by_orbit(steps: DecodeSteps) -> None:
    sizes = [len(partial) if (partial := steps.partial(k)) else 0 for k in range(len(steps.steps))]
    assert sizes == [0, 0, 1, 1, 2, 2, 5, 5, 5]
    whole = steps.partial(8)
    assert whole is not None
    assert np.allclose(whole.frac_coords, steps.structure.frac_coords)
    with pytest.raises(TargetError, match="no step 9"):
        steps.partial(9)


def test_a_crystal_that_is_followed_is_not_decoded(model: CrystalModel, steps: DecodeSteps) -> None:
    same = decode_steps(model, steps.z, follow=steps.structure)
    assert same.log_likelihood == pytest.approx(steps.log_likelihood, abs=0.01)
    other = decode_steps(model, steps.z, follow=CRYSTALS["rock salt NaCl"].to_structure())
    assert other.formula == "NaCl"
    assert not other.steps[0].greedy
    assert other.log_likelihood < steps.log_likelihood - 5
    with pytest.raises(TargetError, match="is followed"):
        decode_steps(model, steps.z, {"space group": 225}, follow=steps.structure)


def test_results_show_themselves(steps: DecodeSteps) -> None:
    assert "<caption>SrTiO3" in steps._repr_html_()
    assert len(steps.figure().data) == 4
    assert steps.to_dict()["steps"][0]["taken"] == "221 (Pm-3m)"
    assert repr(steps.overrule("element of orbit 1", "Ca")).endswith("1 overruled)")


def test_a_model_of_ones_own_has_no_steps() -> None:
    class Mine:
        def encode(self, structures: object) -> np.ndarray:
            return np.zeros((1, 3))

    with pytest.raises(CapabilityError, match="does not tell what else"):
        xc.decode_steps(Mine(), np.zeros(3))  # type: ignore[arg-type]


@pytest.mark.parametrize("step", ["space group", "position of orbit 2", "element of orbit 1"])
def test_why_a_choice_was_taken_adds_up(steps: DecodeSteps, atlas: Atlas, step: str) -> None:
    found = explain_choice(steps, step, atlas=atlas)
    taken, second = steps.step(step).alternatives[:2]
    assert (found.choice, found.against) == (taken.text, second.text)
    assert found.value == pytest.approx(np.log(taken.probability / second.probability), abs=0.02)
    tolerance = 2e-3 * max(1.0, abs(found.difference))
    assert found.scores.sum() == pytest.approx(found.difference, abs=tolerance)
    assert found.latent.sum() == pytest.approx(found.difference, abs=tolerance)
    assert found.names[-1] == OTHERS
    assert found.names[0].startswith("principal ")
    exchanged = explain_choice(steps, step, second.text, taken.text, atlas)
    assert exchanged.latent == pytest.approx(-found.latent, abs=1e-3)
    assert f"log p({taken.text})" in found._repr_html_()
    assert len(found.figure().data[0].x) == len(found.names)


def test_what_has_no_alternatives_is_not_explained(steps: DecodeSteps) -> None:
    with pytest.raises(TargetError, match="not a choice among a few"):
        explain_choice(steps, "cell")


def test_the_flip_between_two_frames_is_found_and_shared_out(model: CrystalModel, atlas: Atlas) -> None:
    ends = model.encode([CRYSTALS["rock salt NaCl"].to_structure(), PEROVSKITE.to_structure()])
    frames = interpolate(ends[0], ends[1], 9)
    changes = [decode_change(model, a, b, atlas=atlas) for a, b in pairwise(frames)]
    assert changes[0].step == ""
    assert changes[0].attribution is None
    flips = [change for change in changes if change.attribution is not None]
    assert flips
    for change in flips:
        found = change.attribution
        assert found is not None
        # at the frame before the old choice was the better one, at this frame the new one is
        assert found.start_value < 0 < found.value
        assert (found.against, found.choice) == change.taken
        assert found.scores.sum() == pytest.approx(found.difference, abs=2e-3 * max(1.0, found.difference))


def test_coordinates_of_earlier_orbits_are_a_share_of_their_own(model: CrystalModel, atlas: Atlas) -> None:
    ends = model.encode([QUARTZ.to_structure(), CRYSTALS["wurtzite ZnO"].to_structure()])
    frames = interpolate(ends[0], ends[1], 17)
    changes = [decode_change(model, a, b, atlas=atlas) for a, b in pairwise(frames)]
    found = [c.attribution for c in changes if c.attribution is not None and COORDINATES in c.attribution.names]
    assert found
    for one in found:
        assert one.scores.sum() == pytest.approx(one.difference, abs=2e-3 * max(1.0, abs(one.difference)))
