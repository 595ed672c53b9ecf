"""The bundled model through its public methods."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from pymatgen.core import Lattice, Structure

import xcrystal as xc
from tests.crystals import CRYSTALS
from xcrystal.crystal.collections.tables import PROPERTIES
from xcrystal.crystal.reading import encodable
from xcrystal.errors import (
    CheckpointError,
    InvalidCrystalError,
    ReadError,
    TargetError,
    UnsupportedCrystalError,
    UnsupportedElementWarning,
)
from xcrystal.explanation.methods import METHODS
from xcrystal.generator import CrystalModel, open_model


@pytest.fixture(scope="module")
def z(model: CrystalModel) -> np.ndarray:
    return model.encode([crystal.to_structure() for crystal in CRYSTALS.values()])


def test_encode_gives_one_float32_vector_a_crystal(model: CrystalModel, z: np.ndarray) -> None:
    assert z.shape == (len(CRYSTALS), model.latent_dim)
    assert z.dtype == np.float32
    assert np.isfinite(z).all()
    assert np.unique(z.round(3), axis=0).shape == z.shape, "different crystals have different codes"


def test_encode_reads_files_and_single_crystals(model: CrystalModel, z: np.ndarray, tmp_path) -> None:
    structure = next(iter(CRYSTALS.values())).to_structure()
    path = tmp_path / "crystal.cif"
    structure.to(str(path))
    from_file, from_structure = model.encode(path), model.encode(structure)
    assert from_file.shape == (1, model.latent_dim)
    assert np.linalg.norm(from_file - z[0]) < 1e-3 * np.linalg.norm(z[0])
    assert np.allclose(from_structure, z[:1], atol=1e-4)


def test_the_limits_are_those_of_the_network(model: CrystalModel) -> None:
    config = model.network.config
    assert model.limits == (model.max_atoms, model.max_orbits) == (config.max_atoms, config.max_orbits)
    toy = open_model("toy", device="cpu")
    assert toy.limits == (20, 20)
    cells = np.stack(np.meshgrid(range(3), range(3), range(4)), axis=-1).reshape(-1, 3)[:21] / (3, 3, 4)
    points = cells + np.random.default_rng(0).uniform(-0.03, 0.03, (21, 3))
    larger = Structure(Lattice.orthorhombic(9, 9, 12), ["C"] * 21, points)
    crystal = encodable(larger).crystal
    for encode in (lambda: toy.encode(larger), lambda: toy.canonical(larger), lambda: toy.encode_canonical([crystal])):
        with pytest.raises(UnsupportedCrystalError, match=r"21 atoms.*at most 20"):
            encode()


def test_encode_of_nothing_is_empty(model: CrystalModel) -> None:
    assert model.encode([]).shape == (0, model.latent_dim)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, torch.float16, torch.bfloat16, torch.float64])
def test_decode_takes_any_float_type(model: CrystalModel, z: np.ndarray, dtype) -> None:
    vectors = torch.from_numpy(z[:3]).to(dtype) if isinstance(dtype, torch.dtype) else z[:3].astype(dtype)
    crystals = model.decode(vectors)
    assert len(crystals) == 3
    assert all(len(c) > 0 for c in crystals)


def test_decoded_crystals_tell_their_symmetry(model: CrystalModel, z: np.ndarray) -> None:
    for crystal in model.decode(z):
        assert 1 <= crystal.properties["space_group"] <= 230
        assert 0 < crystal.properties["space_group_probability"] <= 1
        for label in crystal.site_properties["wyckoff"]:
            assert label[:-1].isdigit() and label[-1].isalpha()
        assert len(crystal) <= model.max_atoms


def test_decode_is_deterministic_and_independent_of_the_batch(model: CrystalModel, z: np.ndarray) -> None:
    together, again = model.decode(z), model.decode(z)
    for i, crystal in enumerate(together):
        assert crystal == again[i]
        alone = model.decode(z[i])[0]
        assert alone.composition == crystal.composition
        assert alone.properties["space_group"] == crystal.properties["space_group"]


def test_reconstruction_keeps_most_classic_crystals(model: CrystalModel, z: np.ndarray) -> None:
    kept = sum(
        decoded.composition.reduced_formula == crystal.to_structure().composition.reduced_formula
        for decoded, crystal in zip(model.decode(z), CRYSTALS.values(), strict=True)
    )
    assert kept >= len(CRYSTALS) / 2


@pytest.mark.parametrize(
    "unusual",
    [
        lambda z: z[::-1],
        lambda z: z.astype(">f8"),
        lambda z: z.astype(np.longdouble),
        lambda z: np.asfortranarray(z),
        lambda z: list(z),
        lambda z: [torch.from_numpy(row) for row in z],
        lambda z: z.astype(np.float64) * 1e39,
        lambda z: np.frombuffer(z.tobytes(), dtype=np.float32).reshape(z.shape),  # read-only
    ],
)
def test_decode_takes_any_finite_array(model: CrystalModel, z: np.ndarray, unusual) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        crystals = model.decode(unusual(z[:2]))
    assert [len(c) > 0 for c in crystals] == [True, True]


def test_no_negative_samples(model: CrystalModel) -> None:
    with pytest.raises(InvalidCrystalError, match="-1"):
        model.sample(-1)


@pytest.mark.parametrize(
    "bad", [np.zeros((2, 3)), np.zeros((1, 128), dtype=complex), np.full((1, 128), np.nan), "z", np.zeros((1, 2, 128))]
)
def test_bad_latent_vectors_get_one_sentence(model: CrystalModel, bad) -> None:
    with pytest.raises(InvalidCrystalError) as caught:
        model.decode(bad)
    assert "\n" not in str(caught.value) and len(str(caught.value)) <= 400


def test_predictions_are_physical(model: CrystalModel, z: np.ndarray) -> None:
    properties = model.predict(np.concatenate([z, 5 * z, model.sample_latent(100, seed=1)]))
    assert set(properties) == set(PROPERTIES)
    assert (properties["band_gap"] >= 0).all() and (properties["e_above_hull"] >= 0).all()
    assert all(np.isfinite(v).all() for v in properties.values())


def test_samples_follow_the_seed(model: CrystalModel) -> None:
    one, same, other = model.sample(4, seed=3), model.sample(4, seed=3), model.sample(4, seed=4)
    assert one == same
    assert one != other


def test_rare_elements_are_accepted_with_a_warning(model: CrystalModel) -> None:
    structure = next(iter(CRYSTALS.values())).to_structure()
    structure.replace(0, "Rn")
    with pytest.warns(UnsupportedElementWarning, match="Rn"):
        assert np.isfinite(model.encode([structure])).all()


def test_unknown_models_and_devices_get_one_sentence(tmp_path) -> None:
    for bad in ("no-such-model", tmp_path):
        with pytest.raises(CheckpointError):
            xc.load(bad)
    with pytest.raises(CheckpointError):
        xc.load("mp20", device="abacus")


@pytest.mark.parametrize("bad", [None, 3, object(), ["nowhere.cif"], [None]])
def test_what_is_no_crystal_gets_one_sentence(model: CrystalModel, bad) -> None:
    with pytest.raises(ReadError):
        model.encode(bad)


def test_the_one_bad_crystal_of_many_is_named(model: CrystalModel) -> None:
    good = next(iter(CRYSTALS.values())).to_structure()
    with pytest.raises(ReadError, match="Crystal 1 of 3"):
        model.encode([good, "nowhere.cif", good])


def test_many_crystals_of_rare_elements_warn_once(model: CrystalModel) -> None:
    structure = next(iter(CRYSTALS.values())).to_structure()
    structure.replace(0, "Rn")
    with pytest.warns(UnsupportedElementWarning) as caught:
        model.encode([structure, structure])
    assert [w.category for w in caught].count(UnsupportedElementWarning) == 1


def test_properties_that_were_not_learned_are_not_predicted(tmp_path: Path) -> None:
    from xcrystal.model.checkpoint import save_weights
    from xcrystal.model.vae import Config, CrystalVAE

    small = Config(width=48, encoder_layers=1, decoder_layers=1, heads=4, latent_dim=8, prefix=2)
    save_weights(CrystalVAE(small), tmp_path, {"properties": ["band_gap"]})
    model = open_model(tmp_path, "cpu")
    assert list(model.predict(np.zeros(8))) == ["band_gap"] == list(model.properties)
    with pytest.raises(TargetError, match="for instance: band_gap"):
        xc.explain(model, CRYSTALS["rock salt NaCl"].to_structure(), target="e_above_hull")


def _uses(opened: CrystalModel) -> tuple[np.ndarray, list[np.ndarray]]:
    """Codes, and scores by every method, of one crystal."""
    structure = CRYSTALS["perovskite SrTiO3"].to_structure()
    z = opened.encode(structure)
    assert len(opened.decode(z)) == len(opened.sample(1)) == 1
    scores = [np.asarray(xc.explain(opened, structure, method=method).scores, dtype=float) for method in METHODS]
    return z, scores


@pytest.mark.parametrize("mode", ["double precision", "inference"])
def test_neither_torchs_default_nor_the_callers_mode_matters(mode: str) -> None:
    z, scores = _uses(open_model())
    if mode == "inference":
        with torch.inference_mode():
            found, explained = _uses(open_model())
    else:
        torch.set_default_dtype(torch.float64)
        try:
            opened = open_model()
            assert {p.dtype for p in opened.network.parameters()} == {torch.float32}
            found, explained = _uses(opened)
        finally:
            torch.set_default_dtype(torch.float32)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, z, atol=1e-5)
    # the noise that some methods draw differs with its type
    for method, one, other in zip(METHODS, scores, explained, strict=True):
        atol = 0.1 if method in ("gradient_shap", "smoothgrad") else 1e-4
        np.testing.assert_allclose(one, other, atol=atol * max(1.0, float(np.nanmax(np.abs(one)))), err_msg=method)
