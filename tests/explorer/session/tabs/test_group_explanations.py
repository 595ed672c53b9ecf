"""Concepts, regions and neighbours in a session: results are kept, mistakes are said, and long work can be stopped."""

from __future__ import annotations

from xcrystal.explorer.session.session import Session
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas


def test_groups_are_explained(model: CrystalModel, atlas: Atlas) -> None:
    session = Session(model, atlas)
    assert not session.group_explanations.explain_region() and "Select crystals first" in session.message
    assert not session.group_explanations.test_concepts("colour") and "no target 'colour'" in session.message
    assert session.group_explanations.influence("colour") is None
    near = session.group_explanations.influence("band_gap", k=4)
    assert near is not None and len(near.near) == 4
    session.search("Sr-Ti-O")
    session.directions.keep_group(0)
    assert session.group_explanations.explain_region("band_gap") and session.group_explanations.region is not None
    assert {element.element for element in session.group_explanations.region.elements} >= {"Sr", "Ti", "O"}
    session.subscribe(lambda event: session.stop() if event == "progress" and session.progress else None)
    assert (
        session.group_explanations.test_concepts("band_gap", runs=5)
        and session.group_explanations.concepts_tested is not None
    )
    assert (
        len(session.group_explanations.concepts_tested.results) == 1
        and "stopped" in session.group_explanations.concepts_tested.notes[-1]
    )
    assert session.progress is None
