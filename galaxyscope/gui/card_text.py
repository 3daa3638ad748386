"""A model card in words: sections of lines, as text to copy and as HTML to read."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from galaxyscope.classify.card import ENSEMBLE, Metric, ModelCard
from galaxyscope.gui.desk import one_line
from galaxyscope.gui.shelf import Entry
from galaxyscope.gui.tasks import label_of, task_of

LONGEST = 2000
MOST = 200
SHOWN_CLASSES = 12
# The figure that says most about a network of a task, best first: parts of metrics' names.
_KEY_METRICS = ("rmse", "accuracy", "error")
_NOT_KEY = ("mean", "always", "zoom", "grey", "opened")
_ACTIVATIONS = {
    "sigmoid": "each answer for itself, between 0 and 1",
    "softmax": "probabilities that add up to 1",
    "identity": "numbers",
}
_STRETCHES = {
    "galaxyzoo": "pictures in visible light: linear flux is stretched like Galaxy Zoo's",
    "radio": "radio maps: what is below three times the noise is cut off",
}


@dataclass(frozen=True)
class Section:
    """A heading with named lines, or with a table whose first line is its head."""

    title: str
    lines: tuple[tuple[str, ...], ...]
    table: bool = False


def key_metric(card: ModelCard) -> Metric | None:
    """Return the figure that says most about a network."""
    plain = [m for m in card.metrics if not any(word in m.name for word in _NOT_KEY)]
    for word in _KEY_METRICS:
        for metric in plain:
            if word in metric.name.lower():
                return metric
    return plain[0] if plain else None


def metric_text(metric: Metric) -> str:
    """``"RMSE 0.0995 on 952 galaxies (val)"``, with what it was measured on."""
    name = metric.name.replace("rmse", "RMSE")
    return one_line(f"{name} {metric.value:.3g} ({metric.split}, {metric.count})")


def summary(card: ModelCard) -> str:
    """One line for a list: members and the figure that says most."""
    parts = [f"ensemble of {len(card.members)}"] if card.members else []
    metric = key_metric(card)
    parts.append("no figures" if metric is None else metric_text(metric))
    return " · ".join(parts)


def model_name(card: ModelCard) -> str:
    """Title of a model, with the number of its members."""
    known = "ensemble" in card.title.lower()
    return (
        card.title
        if known or not card.members
        else f"{card.title} · ensemble of {len(card.members)}"
    )


def sections(entry: Entry) -> list[Section]:
    """Everything on the card, in the order in which a reader asks for it."""
    card = entry.card
    identity = Section(
        "Identity",
        _filled(
            ("Name", entry.name),
            ("Folder", str(entry.folder)),
            ("SHA-256 of the weights", "" if card is None else card.sha256),
        ),
    )
    if card is None:
        return [identity]
    training = dict(card.training)
    weights = training.pop("parameters", None)
    figures = tuple(
        (one_line(m.name), f"{m.value:.4g}", one_line(m.split), str(m.count))
        for m in card.metrics[:MOST]
    )
    found = [
        Section("What it is", _what(card, weights)),
        Section(
            "How good it is",
            (("Figure", "Value", "Measured on", "Pictures"), *figures) if figures else (),
            table=True,
        ),
        Section("Not good for", (("", card.limits),) if card.limits else ()),
        Section("How it was trained", _training(training)),
        identity,
    ]
    return [section for section in found if section.lines]


def as_text(entry: Entry, remark: str = "") -> str:
    """Card as plain text."""
    lines = [_title(entry), *([remark] if remark else []), *_purpose(entry)]
    for section in sections(entry):
        lines += ["", section.title]
        for line in section.lines:
            named = [part for part in line if part]
            lines.append("  " + (": " if not section.table else "\t").join(named))
    return "\n".join(lines) + "\n"


def as_html(entry: Entry, remark: str, quiet: str, warning: str) -> str:
    """Card as HTML; every word of the card is text, never markup.

    Parameters
    ----------
    entry : Entry
    remark : str
        Why it cannot be used here; empty if it can.
    quiet, warning : str
        Colours of labels and of the bar beside the remark.
    """
    said = "".join(f"<p style='color:{quiet}; margin:0'>{_safe(p)}</p>" for p in _purpose(entry))
    parts = [f"<h3 style='margin:0'>{_safe(_title(entry))}</h3>", said]
    if remark:
        parts.append(
            f"<table style='margin-top:8px' cellspacing='0'><tr><td bgcolor='{warning}' width='3'>"
            f"</td><td style='padding-left:8px'>{_safe(remark)}</td></tr></table>"
        )
    for section in sections(entry):
        parts.append(f"<h4 style='margin-bottom:2px'>{_safe(section.title)}</h4>")
        parts.append(_table(section, quiet) if section.table else _lines(section, quiet))
    return "".join(parts)


def _title(entry: Entry) -> str:
    return entry.title if entry.card is None else model_name(entry.card)


def _purpose(entry: Entry) -> list[str]:
    purpose = "" if entry.card is None else task_of(entry.card).purpose
    return [purpose] if purpose else []


def _what(card: ModelCard, weights: object) -> tuple[tuple[str, ...], ...]:
    made = "ensemble: the mean of " + ", ".join(card.members)
    counted = f"{weights:,} weights".replace(",", " ") if isinstance(weights, int) else ""
    if card.architecture != ENSEMBLE:
        made = card.architecture
    return _filled(
        ("Task", task_of(card).title),
        ("Architecture", ", ".join(part for part in (made, counted) if part)),
        ("Input", f"{card.input_size} × {card.input_size} px, {_field(card)}"),
        ("Made for", _STRETCHES.get(card.stretch, card.stretch)),
        ("Answers", f"{_classes(card)}; {_ACTIVATIONS.get(card.activation, card.activation)}"),
        ("Targets", ", ".join(card.targets)),
        ("Settings", ", ".join(f"{k} {_short(v)}" for k, v in card.parameters.items())),
    )


def _field(card: ModelCard) -> str:
    if card.frame == "r90":
        return f"a field of {card.field_r90:g} r90 around the galaxy"
    if card.frame == "pixels":
        return f"the central {card.field_px} pixels of the cutout"
    return "the whole cutout"


def _classes(card: ModelCard) -> str:
    if len(card.classes) > SHOWN_CLASSES:
        return f"{len(card.classes)} classes"
    return ", ".join(label_of(name, card) for name in card.classes)


def _training(training: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    pairs = list(training.items())[:MOST]
    return _filled(*((name[:1].upper() + name[1:], _short(value)) for name, value in pairs))


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return "-".join(map(_short, value[:MOST]))
    return str(value)


def _filled(*lines: tuple[str, str]) -> tuple[tuple[str, ...], ...]:
    return tuple((one_line(k)[:LONGEST], one_line(v)[:LONGEST]) for k, v in lines if v)


def _safe(text: str) -> str:
    return html.escape(one_line(text))


def _lines(section: Section, quiet: str) -> str:
    if all(not line[0] for line in section.lines):
        return "".join(f"<p style='margin:0'>{_safe(line[1])}</p>" for line in section.lines)
    rows = (
        f"<tr><td width='112' style='color:{quiet}; padding-right:12px'>{_safe(name)}</td>"
        f"<td>{_safe(value)}</td></tr>"
        for name, value in section.lines
    )
    return f"<table cellspacing='0' cellpadding='1' width='100%'>{''.join(rows)}</table>"


def _table(section: Section, quiet: str) -> str:
    def cells(line: tuple[str, ...], extra: str) -> str:
        sides = ("left", "right", "left", "right")
        return "".join(
            f"<td align='{side}' style='padding-right:16px;{extra}'>{_safe(part)}</td>"
            for side, part in zip(sides, line, strict=True)
        )

    head, *body = section.lines
    rows = [cells(head, f"color:{quiet}"), *(cells(line, "") for line in body)]
    inside = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table cellspacing='0' cellpadding='1'>{inside}</table>"
