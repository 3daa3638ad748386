"""LIME against the package itself: same masks, same answers, same coefficients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from lime.lime_base import LimeBase
from lime.lime_image import LimeImageExplainer
from sklearn.metrics import pairwise_distances

from galaxyscope.explain import lime
from galaxyscope.explain.registry import method
from galaxyscope.explain.segments import segments_of
from galaxyscope.work.watch import Watch


def kernel(distance: np.ndarray, width: float = 0.25) -> np.ndarray:
    return np.sqrt(np.exp(-(distance**2) / width**2))


def packages(masks, answers, features, selection="auto") -> np.ndarray:
    """Coefficients by the package on the table of all samples."""
    whole = np.ones((1, masks.shape[1]))
    distances = pairwise_distances(masks.astype(float), whole, metric="cosine").ravel()
    base = LimeBase(kernel, random_state=0)
    found = base.explain_instance_with_data(
        masks.astype(float), answers[:, None], distances, 0, features, feature_selection=selection
    )[1]
    coefficients = np.zeros(masks.shape[1])
    for number, weight in found:
        coefficients[number] = weight
    return coefficients


@pytest.mark.parametrize("features", [0, 3, 6, 8])
def test_coefficients_equal_the_packages_on_the_same_samples(features) -> None:
    rng = np.random.default_rng(features)
    masks = lime.drawn_masks(300, 12, 1)
    answers = masks @ rng.normal(size=12) + masks[:, 2] * masks[:, 5] + rng.normal(size=300) / 9
    rows, times = lime.different(masks)
    first = [next(i for i, m in enumerate(masks) if (m == row).all()) for row in rows]
    repeated = answers[[next(j for j in first if (masks[j] == m).all()) for m in masks]]
    sums = lime.Sums.of(12)
    for part in np.array_split(np.arange(len(rows)), 7):
        sums.add(rows[part], answers[first][part], times[part] * lime.proximity(rows[part], 0.25))
    found = lime.fitted(sums, features)
    oracle = packages(masks, repeated, features or 100000)
    np.testing.assert_allclose(found, oracle, atol=1e-9)
    broken = lime.Sums.of(12)
    broken.add(rows, answers[first], lime.proximity(rows, 0.25) * 0 + 1)
    assert np.abs(lime.fitted(broken, features) - oracle).max() > 1e-4, "weights must matter"


def test_repeated_masks_count_as_often_as_they_were_drawn() -> None:
    masks = lime.drawn_masks(200, 4, 0)
    rows, times = lime.different(masks)
    assert times.sum() == 200
    assert len(rows) == len(np.unique(masks, axis=0)) <= 16
    assert rows[0].all()


@pytest.mark.parametrize("mean", [True, False])
def test_the_whole_explanation_equals_the_packages(small, make_input, mean) -> None:
    """Superpixels, masks, hidden picture, answers and fit, for the same seed."""
    coarse = np.random.default_rng(0).random((3, 5, 5), np.float32)
    picture = make_input(coarse.repeat(20, 1).repeat(20, 2))
    seed, samples = 5, 80

    def probabilities(images: np.ndarray) -> np.ndarray:
        x = torch.from_numpy(np.asarray(images, np.float32).transpose(0, 3, 1, 2))
        return small.logits(x).sigmoid().numpy()

    explanation = LimeImageExplainer(random_state=seed).explain_instance(
        picture.pixels.transpose(1, 2, 0),
        probabilities,
        labels=(1,),
        top_labels=None,
        hide_color=None if mean else 0,
        num_samples=samples,
    )
    ask = {"samples": samples, "seed": seed, "mean": mean}
    found = method("lime").explain(small, picture, "Class3.2", ask, Watch())
    segments = segments_of(picture, found.parameters)
    np.testing.assert_array_equal(segments, explanation.segments)
    assert segments.max() >= 2
    for number, weight in explanation.local_exp[1]:
        np.testing.assert_allclose(found.values[segments == number], weight, atol=2e-6)


def test_the_map_is_linear_in_a_linear_answer() -> None:
    """Without penalty to speak of, the coefficients of a linear answer are its own."""
    truth = np.array([3.0, -1.0, 0.0, 0.5])
    masks = lime.drawn_masks(4000, 4, 0)
    sums = lime.Sums.of(4)
    sums.add(masks, masks @ truth + 2, 1000 * lime.proximity(masks, 0.25))
    np.testing.assert_allclose(lime.fitted(sums, 0), truth, atol=1e-3)


def test_empty_mask_has_the_distance_of_scikit_learn() -> None:
    masks = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]], bool)
    distances = pairwise_distances(masks.astype(float), np.ones((1, 3)), metric="cosine").ravel()
    np.testing.assert_allclose(lime.proximity(masks, 0.25), kernel(distances))
