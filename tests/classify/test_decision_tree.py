from __future__ import annotations

from galaxyscope.classify.decision_tree import QUESTIONS, TARGETS


def test_tree_has_37_answers_and_every_path_ends() -> None:
    answers = [a for q in QUESTIONS for a in q.answers]
    assert len({a.class_name for a in answers}) == len(answers) == 37
    keys = {q.key for q in QUESTIONS}
    following = {q.key: {a.leads_to for a in q.answers} - {None} for q in QUESTIONS}
    assert all(then <= keys for then in following.values())

    def depth(key: str, seen: tuple[str, ...] = ()) -> int:
        assert key not in seen, "the tree has a loop"
        return 1 + max((depth(k, (*seen, key)) for k in following[key]), default=0)

    assert depth("Class1") <= 9
    reached = {"Class1"} | {k for then in following.values() for k in then}
    assert reached == keys


def test_targets_are_answers() -> None:
    names = {a.class_name for q in QUESTIONS for a in q.answers}
    assert set(TARGETS.values()) <= names
    assert TARGETS["bar"] == "Class3.1"


def test_fractions_follow_the_tree_on_real_votes(shared_data) -> None:  # type: ignore[no-untyped-def]
    """A child question's answers add up to the answer that leads to it."""
    import csv

    with (shared_data / "galaxyzoo" / "votes_224.csv").open() as file:
        rows = [row for _, row in zip(range(200), csv.DictReader(file), strict=False)]
    for row in rows:
        bars = float(row["Class3.1"]) + float(row["Class3.2"])
        assert abs(bars - float(row["Class2.2"])) < 2e-3
