"""Exercise 3: what makes an autoencoder variational: a latent vector with error bars, and the price of tidy latent
vectors.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np

from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.teaching import material
from xcrystal.teaching.questions import Array, Choice, Count, Number, Question

TITLE = "What a VAE is"
NAME = "cubic perovskite"
DRAWS = 20
KNOWN = slice(10, 40)  # entries of the gallery, after the elements
ACTIVE = 0.5  # posterior standard deviation below which a dimension says much


def questions() -> Mapping[str, Question]:
    """The questions of the exercise."""
    return {
        "a": Array(
            "A draw from the posterior, made of its mean, its standard deviation and the noise",
            lambda: _draws(1.0)[0],
            (
                "mean and std hold one row; noise[0] is as long as such a row.",
                "Move from the mean by std times the noise, number by number.",
            ),
            "This is the reparametrization trick: the noise is drawn outside, so that gradients pass through the rest.",
            absolute=1e-3,
        ),
        "b": Number(
            "Kullback-Leibler divergence of the posterior from the standard normal, in nats",
            _divergence,
            (
                "For one dimension it is (mean² + std² - 1) / 2 - ln(std).",
                "The dimensions are independent, so their divergences add up.",
            ),
            "This is how much the latent vector says of the crystal: divide by ln 2 to have it in bits.",
            relative=0.005,
            slips=lambda: {
                "Half of the sum is missing, or was taken twice: look at the factor 1/2.": 2 * _divergence(),
                "This is the mean over the dimensions; add them up.": _divergence() / material.model().latent_dim,
                "This is in bits; nats were asked for, so use the natural logarithm.": _divergence() / np.log(2),
            },
        ),
        "c": Count(
            "Dimensions whose standard deviation is below one half",
            lambda: float((_posterior()[1] < ACTIVE).sum()),
            ("(std < 0.5) is an array of True and False; its sum counts the True ones.",),
            "These say most of it. Those with a standard deviation near 1 and a mean near 0 stay at the prior and say "
            "nothing of this crystal, and cost nothing.",
            slips=lambda: {
                "That counts the dimensions above one half.": float((_posterior()[1] >= ACTIVE).sum()),
            },
        ),
        "d": Number(
            "Share of draws, at twice the standard deviation, that decode to the crystal",
            lambda: _share(2.0),
            (
                "Decode mean + 2 * std * noise, all 20 rows at once, with effort='fast'.",
                "match_rms gives None for those that do not match.",
            ),
            "Within the posterior everything decodes to the crystal; outside of it lie others.",
            unit="share",
            relative=0.0,
            absolute=0.051,
            slips=lambda: {"That is the share at one standard deviation; here it is twice as much.": _share(1.0)},
        ),
        "e": Choice(
            "Which vectors are longer: draws from the standard normal, or draws from the posteriors of known crystals?",
            _longer,
            (
                "A draw is mean + std * noise, with noise of its own for each crystal.",
                "The length of each row: np.linalg.norm(z, axis=1). Compare the means.",
            ),
            "By their length the two cannot be told apart: each dimension's mean and spread together make up what the "
            "prior has. The means alone are shorter, for a mean is the middle of a cloud, and no draw from it.",
            options={
                "draws from the standard normal": "Than the posteriors' means, yes; but draws have the spread, too.",
                "draws from posteriors": "Compare the mean lengths once more.",
                "about the same": "They differ by more than a tenth.",
            },
        ),
        "f": Choice(
            "Which draws give the most crystals without an overlap?",
            _best_draws,
            ("validity(crystal).no_overlap tells whether atoms are apart. Count it for each set.",),
            "Draws from the standard normal are as long as draws from posteriors, so length is not what they lack. In "
            "real crystals the numbers of a latent vector depend on each other; independent ones combine what does not "
            "go together. A prior that was learned keeps a part of that.",
            options={
                "the learned prior": "Count once more, with effort='fast' for all.",
                "posteriors": "Count once more, with effort='fast' for all.",
                "the standard normal": "Count once more, with effort='fast' for all.",
            },
        ),
    }


def _posterior() -> tuple[np.ndarray, np.ndarray]:
    mean, std = material.model().posterior(material.crystal(NAME))
    return mean[0], std[0]


def noise() -> np.ndarray:
    """(20, Z) the noise that the exercise draws."""
    return np.random.default_rng(0).standard_normal((DRAWS, material.model().latent_dim))


def _draws(times: float) -> np.ndarray:
    mean, std = _posterior()
    return np.asarray(mean + times * std * noise())


def _divergence() -> float:
    mean, std = (values.astype(float) for values in _posterior())
    return float(((mean**2 + std**2 - 1) / 2 - np.log(std)).sum())


def _share(times: float) -> float:
    decoded = material.model().decode(_draws(times), effort="fast")
    return float(np.mean([match_rms(material.crystal(NAME), crystal) is not None for crystal in decoded]))


@cache
def _sets() -> dict[str, np.ndarray]:
    """Draws (n, Z) of the three kinds, made as the exercise makes them."""
    model = material.model()
    means, stds = model.posterior([material.crystal(name) for name in material.names()[KNOWN]])
    drawn = means + stds * np.random.default_rng(1).standard_normal(means.shape)
    normal = np.random.default_rng(0).standard_normal((200, model.latent_dim))
    return {"the learned prior": model.sample_latent(DRAWS, seed=0), "posteriors": drawn, "the standard normal": normal}


def _longer() -> str:
    drawn, normal = (np.linalg.norm(_sets()[name], axis=1).mean() for name in ("posteriors", "the standard normal"))
    if abs(normal / drawn - 1) < 0.1:
        return "about the same"
    return "draws from the standard normal" if normal > drawn else "draws from posteriors"


def _best_draws() -> str:
    from xcrystal.assessment.validity import validity

    clear = {
        name: sum(validity(crystal).no_overlap for crystal in material.model().decode(z[:DRAWS], effort="fast"))
        for name, z in _sets().items()
    }
    return max(clear, key=lambda name: clear[name])
