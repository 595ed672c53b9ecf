"""Exercise 3: what makes an autoencoder variational: a latent vector with error bars, and the price of tidy latent
vectors.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from xcrystal.crystal.matching import match_rms
from xcrystal.teaching import material
from xcrystal.teaching.questions import Array, Choice, Count, Number, Question

TITLE = "What a VAE is"
NAME = "cubic perovskite"
DRAWS = 20
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
            "Which vectors are longer: draws from the standard normal, or latent vectors of known crystals?",
            _longer,
            ("The length of each row: np.linalg.norm(z, axis=1). Compare the means.",),
            "Codes leave most of the standard normal's shell empty, so drawing from it lands beside them. That is why "
            "this model draws from a prior that was learned.",
            options={
                "draws from the standard normal": "Compare the mean lengths once more.",
                "latent vectors of known crystals": "Compare the mean lengths once more.",
                "about the same": "They differ by more than a tenth.",
            },
        ),
        "f": Choice(
            "Which draws give more crystals without an overlap?",
            _better_prior,
            ("validity(crystal).no_overlap tells whether atoms are apart. Count it for each set.",),
            "Regularisation makes the space tidy, and a learned prior takes care of what is not.",
            options={
                "the learned prior": "Count once more, with effort='fast' for both.",
                "the standard normal": "Count once more, with effort='fast' for both.",
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


def _normal(n: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n, material.model().latent_dim))


def _longer() -> str:
    codes = np.linalg.norm(material.atlas().z, axis=1).mean()
    drawn = np.linalg.norm(_normal(200), axis=1).mean()
    if abs(drawn / codes - 1) < 0.1:
        return "about the same"
    return "draws from the standard normal" if drawn > codes else "latent vectors of known crystals"


def _better_prior() -> str:
    from xcrystal.assessment.validity import validity

    model = material.model()
    sets = {"the learned prior": model.sample_latent(DRAWS, seed=0), "the standard normal": _normal(DRAWS)}
    clear = {
        name: sum(validity(crystal).no_overlap for crystal in model.decode(z, effort="fast"))
        for name, z in sets.items()
    }
    return max(clear, key=lambda name: clear[name])
