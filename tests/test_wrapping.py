"""Models of one's own: what they give is checked, what they lack is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Structure

import xcrystal as xc
from tests.crystals import structures
from tests.own_data import Cubes, PlainVAE, Volume, scaled
from xcrystal import errors, protocols
from xcrystal.errors import CapabilityError, DatasetError, InvalidCrystalError, ModelError, UnsupportedCrystalError
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas
from xcrystal.latent.descriptor_model import DescriptorPCA
from xcrystal.protocols import Capable, Decodes, Encodes, Predicts
from xcrystal.wrapping import LatentModel, wrap_model


def atlas_of(z: np.ndarray, kept: bool = True) -> Atlas:
    """An atlas of the test crystals, by number, with given codes."""
    from xcrystal.crystal.collections.tables import row_of

    rows = [row_of(s, str(k)) for k, s in enumerate(structures()[: len(z)])]
    chart = pd.DataFrame({"material_id": [r["material_id"] for r in rows], "formula": [r["formula"] for r in rows]})
    chart["x"], chart["y"] = z[:, 0], z[:, -1]
    return Atlas("own", chart, z.astype(np.float32), structures=pd.DataFrame(rows) if kept else None)


def test_what_a_model_is_made_of_is_what_it_can(model: CrystalModel) -> None:
    assert isinstance(Volume(), Encodes)
    assert not isinstance(Volume(), (Decodes, Predicts))
    assert wrap_model(Volume()).capabilities == {"encode"}
    assert wrap_model(PlainVAE(model)).capabilities == {"encode", "decode", "predict"}
    assert wrap_model(model) is model
    assert not any(model.lacks(capability) for capability in ("encode", "decode", "predict", "gradients", "sample"))
    with pytest.raises(ModelError, match="neither encode nor decode"):
        wrap_model(object())


def test_names() -> None:
    assert wrap_model(Volume()).name == "Volume"
    assert wrap_model(Volume(), name="mine").name == "mine"
    assert wrap_model(wrap_model(Volume())).name == "Volume"
    assert xc.wrap is wrap_model


def test_the_vae_by_its_three_methods_alone_gives_the_same(model: CrystalModel) -> None:
    plain = wrap_model(PlainVAE(model))
    given = structures()
    z = plain.encode(given)
    assert np.allclose(z, model.encode(given), atol=1e-4)
    decoded, own = plain.decode(z), model.decode(z)
    for one, other in zip(decoded, own, strict=True):
        assert one.composition.reduced_formula == other.composition.reduced_formula
        assert one.properties["space_group"] == other.properties["space_group"]
        assert "notice" not in one.properties
    values = plain.predict(z)
    assert set(values) == set(model.properties)
    assert np.allclose(values["band_gap"], model.predict(z)["band_gap"])


def test_without_decode_the_nearest_known_crystal_is_given_and_said() -> None:
    plain = wrap_model(Volume())
    z = plain.encode(structures())
    known = plain.with_known(atlas_of(z))
    found = known.decode(z[3] + 0.01)[0]
    assert found.composition.reduced_formula == "CaF2"
    assert found.properties["chosen"] == "nearest known"
    assert "no decode" in found.properties["notice"]
    with pytest.raises(DatasetError, match="keeps no crystals"):
        plain.with_known(atlas_of(z, kept=False))
    assert plain.predict(z) == {}


def test_without_encode_a_crystal_is_not_encoded_with_the_reason() -> None:
    plain = wrap_model(Cubes())
    with pytest.raises(UnsupportedCrystalError, match="no encode"):
        plain.canonical(structures()[0])
    with pytest.raises(CapabilityError, match="no encode"):
        plain.encode(structures()[0])
    with pytest.raises(CapabilityError, match="prior"):
        plain.sample_latent(1)
    with pytest.raises(CapabilityError, match="else"):
        plain.decode(np.array([[3.0, 0.0]]), group=225)


class Failing:
    """Gives whatever a test wants it to."""

    def __init__(self, gives: object) -> None:
        self.gives = gives

    def encode(self, structures: object) -> object:
        return self._given()

    def decode(self, z: object) -> object:
        return self._given()

    def predict(self, z: object) -> object:
        return self._given()

    def _given(self) -> object:
        if isinstance(self.gives, Exception):
            raise self.gives
        return self.gives


@pytest.mark.parametrize(
    "gives",
    [ValueError("it\nbroke"), KeyError("x"), None, "text", [], np.zeros((5, 3)), np.full((1, 2), np.nan), [[1, "a"]]],
    ids=repr,
)
def test_a_model_that_fails_gets_one_clear_line(gives: object) -> None:
    plain = wrap_model(Failing(gives), name="broken")
    for act in (
        lambda: plain.encode(structures()[0]),
        lambda: plain.decode(np.zeros((1, 2))),
        lambda: plain.predict(np.zeros((1, 2))),
    ):
        with pytest.raises(ModelError, match="broken") as caught:
            act()
        assert "\n" not in str(caught.value)


def test_what_is_no_crystal_is_replaced_by_the_nearest_known_one() -> None:
    overlapping = Structure(np.eye(3) * 4, ["Na", "Cl"], [[0, 0, 0], [0.01, 0, 0]])
    z = wrap_model(Volume()).encode(structures())
    for gives in ([overlapping], ["no structure"], RuntimeError("no luck")):
        broken = LatentModel(Failing(gives), "broken")
        broken.capabilities -= {"predict"}  # which would be asked for its names at once
        known = broken.with_known(atlas_of(z))
        found = known.decode(z[0])[0]
        assert found.composition.reduced_formula == "NaCl"
        assert "nearest known" in found.properties["notice"]


def test_codes_of_another_shape_are_said() -> None:
    plain = wrap_model(Volume())
    z = plain.encode(structures())
    with pytest.raises(InvalidCrystalError):
        plain.decode(np.zeros((1, 5)))
    with pytest.raises(InvalidCrystalError):
        plain.predict([[np.nan, 1.0]])
    with pytest.raises(DatasetError, match="another model"):
        plain.with_known(atlas_of(np.zeros((len(z), 7))))


def test_our_model_refuses_an_atlas_of_others(model: CrystalModel, atlas: Atlas) -> None:
    assert model.with_known(atlas) is model
    with pytest.raises(DatasetError, match="another model"):
        model.with_known(atlas_of(np.zeros((5, 7))))
    other = Atlas("old", atlas.table, atlas.z, {"model_digest": "0" * 16})
    with pytest.raises(DatasetError, match="other weights"):
        model.with_known(other)
    assert model.with_known(Atlas("new", atlas.table, atlas.z, {"model_digest": model.digest})) is model
    assert isinstance(model, Capable)


def test_names_of_earlier_versions_lead_on(model: CrystalModel) -> None:
    with pytest.warns(DeprecationWarning, match="now Capable"):
        assert protocols.Able is Capable
    with pytest.warns(DeprecationWarning, match="now CapabilityError"):
        assert errors.AbilityError is CapabilityError
    with pytest.warns(DeprecationWarning, match="now model.capabilities"):
        assert model.abilities == model.capabilities


def test_the_second_model_knows_its_crystals() -> None:
    _, given = scaled(45)
    volume = [s.volume / len(s) for s in given]
    second = DescriptorPCA(given, {"volume": volume, "rare": [1.0] + [np.nan] * 44})
    z = second.encode(given)
    assert z.shape == (45, 8)
    assert 0.5 < second.explained.sum() <= 1
    decoded = second.decode(z)
    assert [s.composition for s in decoded] == [s.composition for s in given]
    predicted = second.predict(z)
    assert set(predicted) == {"volume"}
    assert np.corrcoef(predicted["volume"], volume)[0, 1] > 0.8
    supercells = [s * (2, 1, 1) for s in given[:5]]
    assert np.allclose(second.encode(supercells), z[:5], atol=1e-8)
    assert DescriptorPCA(given[:3]).latent_dim == 2
    with pytest.raises(DatasetError, match="at least 3"):
        DescriptorPCA(given[:2])


@pytest.mark.parametrize(
    ("says", "words"), [("eight", "whole number"), (lambda: 8, "whole number"), (-1, "whole number")]
)
def test_a_length_of_codes_that_is_none_is_said(says: object, words: str) -> None:
    given = Volume()
    given.latent_dim = says  # type: ignore[attr-defined]
    with pytest.raises(ModelError, match=words):
        wrap_model(given)


def test_a_class_in_place_of_an_object_is_said_and_a_length_may_be_unknown() -> None:
    with pytest.raises(ModelError, match=r"is a class; .* Volume\(\)"):
        wrap_model(Volume)
    given = Volume()
    given.latent_dim = None  # type: ignore[attr-defined]
    assert wrap_model(given).encode(structures()).shape[1] == 2
