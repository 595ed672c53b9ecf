"""The conditional prior: it learns what it is told, knows partial conditions, and a fit goes on where it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from xcrystal.errors import CheckpointError
from xcrystal.model.conditional_prior import CONDITION, ConditionalFlow, encoded, fit_conditional_flow
from xcrystal.model.flow_conditions import Conditions


def conditions(values: np.ndarray) -> Conditions:
    """Crystals of given formation energies, half of them with oxygen."""
    count = len(values)
    properties = np.full((count, 3), np.nan, dtype=np.float32)
    properties[:, 0] = values
    elements = np.full((count, 95), -1, dtype=np.int8)
    elements[::2, 8] = 1
    group, system = np.full(count, 225), np.full(count, 6)
    return Conditions(properties, elements, group, system, np.ones(count, dtype=np.int8))


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, Conditions]:
    values = np.random.default_rng(0).uniform(-4, 0, 400)
    z = np.stack([values / 2, np.where(np.arange(400) % 2, 1.0, -1.0)], axis=1).astype(np.float32)
    return z, conditions(values)


def test_draws_obey_conditions_and_guidance_strengthens_them(data: tuple[np.ndarray, Conditions]) -> None:
    z, known = data
    flow = fit_conditional_flow(z, np.full(2, 0.05), known, steps=400, batch_size=128)
    wanted = conditions(np.full(200, -3.0))
    errors = {}
    for guidance in (0.0, 1.0):
        drawn = flow.sample(wanted, guidance)
        errors[guidance] = np.abs(drawn[:, 0] + 1.5).mean()
        if guidance:
            assert (np.sign(drawn[:, 1]) == np.where(np.arange(200) % 2, 1, -1)).mean() > 0.9
    assert errors[1.0] < 0.5 * errors[0.0]
    near = flow.sample(wanted, 1.0, around=z[:200], freedom=0.05)
    assert np.abs(near - z[:200]).mean() < 0.3


def test_an_interrupted_fit_goes_on_where_it_was(
    data: tuple[np.ndarray, Conditions], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xcrystal.model.conditional_prior._SAVED_EVERY", 5)
    z, known = data
    whole = fit_conditional_flow(z, np.full(2, 0.05), known, steps=12, batch_size=16)

    def interrupt(done: int) -> None:
        if done == 7:
            raise KeyboardInterrupt

    part = tmp_path / "fit.part"
    with pytest.raises(KeyboardInterrupt):
        fit_conditional_flow(z, np.full(2, 0.05), known, 12, 16, unfinished=part, progress=interrupt)
    resumed = fit_conditional_flow(z, np.full(2, 0.05), known, 12, 16, unfinished=part)
    for one, other in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        torch.testing.assert_close(one, other)
    part.write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="remove it"):
        fit_conditional_flow(z, np.full(2, 0.05), known, 12, 16, unfinished=part)


def test_what_is_hidden_is_not_encoded(data: tuple[np.ndarray, Conditions]) -> None:
    known = data[1]
    assert encoded(known).shape == (400, CONDITION)
    assert not encoded(known.nothing()).any()
    hidden = known.hidden(np.random.default_rng(0))
    assert np.isnan(hidden.properties[:, 0]).mean() == pytest.approx(0.46, abs=0.1)  # 1 - 0.6 * 0.9
    assert set(np.unique(hidden.elements[:, 8])) == {-1, 0, 1}
    assert ((hidden.elements == 0) | (hidden.elements == known.elements)).all()


def test_its_sizes_are_those_of_the_file() -> None:
    flow = ConditionalFlow(5, width=16, blocks=2)
    assert flow(torch.zeros(3, 5), torch.zeros(3), torch.zeros(3, CONDITION)).shape == (3, 5)
