"""Sessions of models of one's own: each act works or says why not, and no view fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import xcrystal as xc
from tests.crystals import structures
from tests.explorer.panels.test_views import panels, wait_for
from tests.own_data import Cubes, PlainVAE, Volume, scaled, write
from xcrystal.errors import CapabilityError, DatasetError, ModelError, TargetError
from xcrystal.explorer.map.map_figure import Points
from xcrystal.explorer.panels.facts_panel import fact_rows, facts_text
from xcrystal.explorer.session.controls import CONTROLS
from xcrystal.explorer.session.session import Session
from xcrystal.explorer.widget import Explorer
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas, open_atlas
from xcrystal.latent.building import build_atlas
from xcrystal.latent.descriptor_model import DescriptorPCA
from xcrystal.wrapping import LatentModel, wrap_model

COUNT = 45


@pytest.fixture(scope="module")
def second() -> DescriptorPCA:
    """Principal components of descriptors, which predict the hardness."""
    _, given = scaled(COUNT)
    return DescriptorPCA(given, {"hardness": [1.0 + s.volume / len(s) for s in given]})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, second: DescriptorPCA) -> Path:
    """An atlas for each model, all of the same crystals."""
    root = tmp_path_factory.mktemp("own")
    data = write(root / "data", COUNT)
    build_atlas(second, data, root / "second")
    build_atlas(Volume(), data, root / "volume")
    build_atlas("mp20", data, root / "vae")
    build_atlas(Cubes(), np.random.default_rng(0).uniform(2.5, 5, (COUNT, 3)), root / "cubes")
    return root


def open_session(model: object, atlas: Path) -> Session:
    return Session(wrap_model(model), open_atlas(atlas))


ACTS: dict[str, Callable[[Session], Any]] = {
    "select": lambda s: s.select(3),
    "load": lambda s: s.load(structures()[3]),
    "go": lambda s: s.go(s.z),
    "move": lambda s: (s.move(0, 1.0), s.settle()),
    "move along a property": lambda s: (s.sliders.show_axes("property"), s.move(0, 1.0), s.settle()),
    "move one number": lambda s: (s.sliders.show_axes("latent"), s.move(0, 1.0), s.settle()),
    "place": lambda s: s.navigation.go_to_coordinates(*np.mean(s.atlas.table[["x", "y"]].to_numpy(), axis=0)),
    "wander": lambda s: s.navigation.random_step(),
    "surprise": lambda s: s.navigation.sample(),
    "search": lambda s: s.search("O"),
    "search own": lambda s: s.search("hardness > 15"),
    "concept": lambda s: s.directions.make("oxides", "O"),
    "path": lambda s: (s.set_end("A"), s.select(20), s.set_end("B"), s.interpolate(frames=4), s.interpolation.table()),
    "end": lambda s: s.set_end("A", structures()[2]),
    "steer": lambda s: s.steer("hardness"),
    "propose": lambda s: s.propose("NaCl"),
    "explain": lambda s: s.explain("hardness"),
    "concepts": lambda s: s.group_explanations.test_concepts("hardness"),
    "region": lambda s: (s.search("O"), s.group_explanations.explain_region("hardness")),
    "influence": lambda s: s.group_explanations.influence("hardness"),
    "counterfactuals": lambda s: s.counterfactual_search.search("metal"),
    "substitute": lambda s: s.modifications.substitute(0, "K"),
    "strain": lambda s: s.modifications.strain("all", 0.02),
    "overlay": lambda s: s.overlay(structures()[:3]),
    "alternative group": lambda s: s.assessment.show_alternative("group", 225),
    "judge": lambda s: s.assessment.make().table(),
    "cif": lambda s: s.display.cif(),
    "code": lambda s: s.code(),
    "reset": lambda s: s.reset(),
}
REFUSED = {"surprise", "steer", "propose", "explain", "concepts", "region", "influence", "alternative group"}


@pytest.mark.parametrize("name", ["second", "volume", "cubes"])
def test_each_act_works_or_says_why_not(folder: Path, second: DescriptorPCA, name: str) -> None:
    model = {"second": second, "volume": Volume(), "cubes": Cubes()}[name]
    session = open_session(model, folder / name)
    explorer = Explorer(session)
    try:
        for act, do in ACTS.items():
            before = session.state
            try:
                do(session)
            except TargetError:  # what does not exist is the caller's mistake, as of our own model
                if act != "move along a property":
                    raise
            if act in REFUSED:
                assert session.message, act
                if act != "region":
                    assert session.state is before, act
            for panel in panels(explorer):
                json.dumps(panel.describe())
            assert session.structure.properties["space_group"]
            session.undo()
    finally:
        explorer.close()


def test_what_the_second_model_cannot_do_is_not_offered(folder: Path, second: DescriptorPCA) -> None:
    for model, name, absent in (
        (second, "second", {"attribution", "why", "decode", "concept", "steer"}),
        (Cubes(), "cubes", {"attribution", "why", "decode", "concept", "steer", "change"}),
    ):
        explorer = xc.explore(model=model, atlas=folder / name)
        try:
            hidden = {c.removeprefix("xc-hide-") for c in explorer._dom_classes if c.startswith("xc-hide-")}
            assert hidden == absent
            assert hidden <= set(CONTROLS)
            explorer.session.controls.hide("find")
            assert "xc-hide-find" in explorer._dom_classes
            assert "xc-hide-why" in explorer._dom_classes
            assert explorer.session.controls.hidden == {"find"}  # what is saved is what was chosen
        finally:
            explorer.close()


def test_the_second_model_is_explored(folder: Path, second: DescriptorPCA) -> None:
    session = open_session(second, folder / "second")
    assert session.load(structures()[2])
    assert session.structure.composition.reduced_formula == "SrTiO3"
    assert session.state.loaded is not None
    assert session.state.loaded.rms is not None
    assert session.state.point.neighbours[0].material_id == "perovskite SrTiO3, 0"
    assert session.state.point.neighbours[0].distance < 1e-3
    assert set(session.predicted) == {"hardness"}
    assert session.message == ""
    session.sliders.show_axes("property")
    axis = next(a for a in session.sliders.axes if a.target == "hardness")
    before = session.predicted["hardness"]
    session.move(axis.name, float(axis.coordinates(session.z)[0]) + 1.0)
    session.settle()
    assert session.predicted["hardness"] > before
    assert "Hardness, predicted" in dict(fact_rows(session, brief=True))  # also for a beginner
    assert f"{session.predicted['hardness']:.3f}" in facts_text(session)["Hardness, predicted"]
    assert not session.refinement.search_when_idle() and not session.refinement.search_nearer()
    session.search("hardness > 15, O")
    assert len(session.selections.table)
    assert (session.selections.table["hardness"] > 15).all()


def test_no_decoder_is_said_at_once_and_no_encoder_when_loading(folder: Path) -> None:
    session = open_session(Volume(), folder / "volume")
    assert "no decode" in session.message
    assert session.label == f"known crystal {session.state.point.material_id}"
    assert session.state.point.material_id is not None
    assert session.state.point.material_id in session.message
    session.load(structures()[0])
    assert session.message == "", "the crystal is shown as loaded, which needs no decoder"
    session.show("decoded")
    assert "no decode" in session.message
    session = open_session(Cubes(), folder / "cubes")
    assert session.message == ""
    assert session.load(structures()[0])  # it is drawn
    assert session.state.shown == "loaded"
    assert "no encode" in session.message
    assert session.display.structure.composition.reduced_formula == "NaCl"
    session.reset()
    session.move(0, 0.5)
    session.settle()
    assert session.structure.composition.reduced_formula == "Po"


def test_the_vae_through_the_protocol_behaves_as_the_vae(folder: Path, model: CrystalModel) -> None:
    plain, own = (Session(m, open_atlas(folder / "vae")) for m in (wrap_model(PlainVAE(model)), model))
    for session in (plain, own):
        session.select(2)
        session.move("principal 1", 0.5)
        session.settle()
    assert np.allclose(plain.z, own.z)
    assert plain.structure.composition.reduced_formula == own.structure.composition.reduced_formula
    assert plain.state.point.position == own.state.point.position
    assert plain.predicted["band_gap"] == pytest.approx(own.predicted["band_gap"])
    assert not plain.explain("band_gap")
    assert "gradients" in plain.message
    with pytest.raises(CapabilityError, match="gradients"):
        xc.explain(plain.model, structures()[0])


def test_our_model_explores_an_atlas_of_other_properties(folder: Path) -> None:
    explorer = xc.explore(atlas=folder / "vae")
    try:
        session = explorer.session
        assert session.state.color == "hardness"
        assert {"hardness", "run", "space_group", "density"} <= set(session.display.colors)
        session.select(5)
        assert facts_text(session)["Hardness, known"]
        session.sliders.show_axes("property")
        assert "higher hardness" in [axis.name for axis in session.sliders.axes]
        session.search("run < 10")
        assert len(session.selections.table) == 10
        find = explorer.parts["find"].describe()
        assert [title for title, *_ in find["columns"]] == ["Hardness", "Run"]
        assert len(find["rows"][0]) == 4 + 2
    finally:
        explorer.close()


def test_an_atlas_of_another_model_is_refused(folder: Path, second: DescriptorPCA) -> None:
    with pytest.raises(DatasetError, match="another model"):
        xc.explore(atlas=folder / "second")
    with pytest.raises(DatasetError, match="build_atlas"):
        xc.explore(model=second)
    with pytest.raises(ModelError, match="neither"):
        xc.explore(model=object(), atlas=folder / "second")


def test_a_session_is_saved_and_opened(folder: Path, second: DescriptorPCA, tmp_path: Path) -> None:
    session = open_session(second, folder / "second")
    session.load(structures()[4])
    session.move(0, 0.7)
    session.settle()
    session.save(tmp_path / "own.json")
    again = open_session(second, folder / "second")
    assert again.file.open(tmp_path / "own.json"), again.message
    assert np.allclose(again.z, session.z)
    assert again.state.loaded is not None
    assert "xc.explore(model=model, atlas=" in session.code()
    # ours explains; what it saved so cannot be opened with a model that does not
    content = json.loads((tmp_path / "own.json").read_text())
    content["state"]["why"] = {
        "target": "hardness", "method": "shapley", "level": "atoms", "baseline": "mean_element"
    }  # fmt: skip
    assert not again.file.open_json(json.dumps(content))
    assert again.message


class Breaking(Volume):
    """Breaks when it is told to."""

    broken = False

    def encode(self, structures: Any) -> np.ndarray:
        if self.broken:
            raise RuntimeError("out of paper")
        return super().encode(structures)


def test_a_model_that_breaks_is_a_message_and_the_crystal_stays(folder: Path) -> None:
    breaking = Breaking()
    explorer = xc.explore(model=breaking, atlas=folder / "volume")
    try:
        session = explorer.session
        before = session.state.point
        breaking.broken = True
        salt = structures()[0].to(fmt="cif").encode()
        explorer.parts["toolbar"]._receive(None, {"act": "file", "name": "salt.cif"}, [salt])
        wait_for(lambda: "out of paper" in session.message)
        assert session.state.point is before
        with pytest.raises(ModelError, match="out of paper"):
            session.load(structures()[0])
    finally:
        explorer.close()


@pytest.fixture(scope="module", params=[1, 2, 5, 20])
def small(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """An atlas of few crystals."""
    root = tmp_path_factory.mktemp("small")
    return build_atlas("mp20", write(root / "data", request.param), root / "out")


def test_a_small_atlas_opens(small: Atlas, model: CrystalModel) -> None:
    session = Session(model, small)
    explorer = Explorer(session)
    try:
        session.select(len(small) - 1)
        for family in ("principal", "latent", "property"):
            session.sliders.show_axes(family)
            if session.sliders.axes:
                session.move(0, 0.5)
                session.settle()
        session.navigation.go_to_coordinates(*small.table[["x", "y"]].to_numpy()[0])
        session.assessment.make()
        session.load(structures()[1])
        session.navigation.random_step()
        for panel in panels(explorer):
            json.dumps(panel.describe())
    finally:
        explorer.close()


def test_an_unbound_model_and_a_bound_one_are_two(folder: Path, second: DescriptorPCA) -> None:
    wrapped = wrap_model(second)
    assert isinstance(wrapped, LatentModel)
    session = Session(wrapped, open_atlas(folder / "second"))
    assert wrapped.properties == ()
    assert session.model.properties == ("hardness",)


def test_points_of_small_maps_are_larger(folder: Path, atlas: Atlas) -> None:
    few = Points(open_atlas(folder / "vae"), "hardness").figure.data
    many = Points(atlas, "band_gap").figure.data
    assert many[1].marker.size == 4
    assert 8 < few[1].marker.size <= 10
    assert few[0].marker.size == few[1].marker.size
