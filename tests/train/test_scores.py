from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from galaxyscope.classify.decision_tree import QUESTIONS
from galaxyscope.train import scores

labels = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=40)


@settings(deadline=None)
@given(labels)
def test_tables_are_those_of_sklearn(pairs: list[tuple[int, int]]) -> None:
    true, said = np.array(pairs).T
    people, network = np.eye(3)[true], np.eye(3)[said]
    counts = scores.confusion(people, network)
    assert np.array_equal(counts, metrics.confusion_matrix(true, said, labels=[0, 1, 2]))
    p, r, f, n = metrics.precision_recall_fscore_support(
        true, said, labels=[0, 1, 2], zero_division=0
    )
    for i, score in enumerate(scores.class_scores(counts, "abc")):
        assert (score.precision, score.recall, score.f1, score.count) == pytest.approx(
            (p[i], r[i], f[i], n[i])
        )
    assert scores.accuracy(people, network) == pytest.approx(metrics.accuracy_score(true, said))


def test_two_classes_among_four() -> None:
    people = np.eye(4)[[0, 0, 1, 2]]
    # The second is called 2, but of the pair 0 is likelier; the last is none of the pair.
    network = np.array([[5, 1, 0, 0], [3, 1, 9, 0], [4, 3, 0, 0], [0, 9, 0, 0]]) / 10
    assert scores.accuracy(people, network, [0, 1]) == pytest.approx(2 / 3)
    assert np.isnan(scores.accuracy(people, network, [3]))


def test_errors_and_correlation() -> None:
    from scipy.stats import pearsonr

    generator = np.random.default_rng(0)
    a, b = generator.random((2, 50))
    assert scores.correlation(a, b) == pytest.approx(pearsonr(a, b).statistic)
    assert scores.correlation(a, np.ones(50)) == 0
    people = np.array([[0.0, 1.0], [1.0, 1.0]])
    assert scores.rmse(people, people + 0.5) == pytest.approx(0.5)
    assert scores.rmse_of_the_mean(people) == pytest.approx(np.sqrt(0.5 / 4))


def test_calibration_of_a_network_that_says_too_much() -> None:
    said = np.array([0.95] * 10 + [0.55] * 10 + [1.0])
    seen = np.array([1.0] * 6 + [0.0] * 4 + [1.0] * 5 + [0.0] * 5 + [1.0])
    found = scores.calibration(said, seen)
    assert found.counts[5] == 10
    assert found.counts[9] == 11
    assert found.seen[5] == pytest.approx(0.5)
    assert found.said[9] == pytest.approx((9.5 + 1) / 11)
    assert found.error == pytest.approx((10 * 0.05 + abs(9.5 + 1 - 7)) / 21)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_what_is_said_is_seen(values: list[float]) -> None:
    assert scores.calibration(np.array(values), np.array(values)).error == pytest.approx(0)


def test_questions_count_where_most_people_got() -> None:
    outputs = ("Class3.1", "Class3.2", "Class1.1")
    people = np.array([[0.6, 0.3, 0], [0.3, 0.6, 0], [0.5, 0.2, 0], [0.1, 0.2, 0]])
    network = np.array([[0.5, 0.1, 0], [0.5, 0.4, 0], [0.1, 0.2, 0], [0.9, 0.1, 0]])
    (bar,) = scores.questions(people, network, outputs)  # the other questions lack answers
    assert (bar.key, bar.text) == ("Class3", "Bar?")
    assert bar.asked.tolist() == [True, True, True, False]
    assert bar.accuracy == pytest.approx(1 / 3)
    assert bar.differ.tolist() == [False, True, True, False]
    assert bar.sure == pytest.approx([2 / 3, 2 / 3, 5 / 7, 2 / 3])


def test_people_agree_with_themselves() -> None:
    outputs = tuple(a.class_name for q in QUESTIONS for a in q.answers)
    votes = np.random.default_rng(0).random((20, len(outputs)))
    found = scores.questions(votes, votes, outputs)
    assert len(found) == 11
    assert all(question.accuracy == 1 for question in found)
