"""The autoencoder of two latent dimensions: what its KL weight does, and what a lesson shows of it."""

from __future__ import annotations

import numpy as np

from xcrystal.explorer.notebook.plane_lesson import PlaneLesson, map_pictures
from xcrystal.training.plane_autoencoder import PlaneAutoencoder, plane_data, sweep


def test_a_higher_price_gives_shorter_messages_and_larger_errors() -> None:
    cheap, dear = sweep([0.01, 100.0])
    assert cheap.kl > 5 and cheap.error < 0.4
    assert dear.kl < 0.1 and dear.error > 0.9  # collapsed: the mean of all crystals, whatever the latent vector
    assert np.ptp(dear.tiles) < 0.2 < np.ptp(cheap.tiles)


def test_the_same_seed_learns_the_same() -> None:
    data = plane_data()
    one, other = (list(PlaneAutoencoder(data, 4).learn(1.0, steps=5))[-1] for _ in range(2))
    assert np.array_equal(one.mean, other.mean) and one.kl == other.kl


def test_a_move_of_the_slider_goes_on_learning() -> None:
    lesson = PlaneLesson()
    before = lesson.tried[-1]
    lesson.slider.value = 100.0
    assert [plane.beta for plane in lesson.tried] == [before.beta, 100.0]
    assert lesson.tried[-1].steps == 2 * before.steps and lesson.tried[-1].kl < before.kl
    assert "KL weight 100" in lesson._said.value and lesson._picture.value.count("<circle") > len(plane_data().anion)
    lesson._again.click()
    assert len(lesson.tried) == 1


def test_maps_name_their_groups_as_text() -> None:
    points = np.random.default_rng(0).normal(size=(6, 2))
    drawn = map_pictures({"<b>": points, "two": points}, ["O", "O", "<i>", "F", "F", "S"]).svg
    assert drawn.count("<circle") == 12 + 4
    assert "<b>" not in drawn and "<i>" not in drawn
