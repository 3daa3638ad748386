"""How a map was made, in plain values that any file format can hold."""

from __future__ import annotations

from typing import Any

from galaxyscope.explain.protocol import Attribution


def made_by(attribution: Attribution) -> dict[str, Any]:
    """Return method with its preset, settings with the seed, network with its hash, and more.

    Returns
    -------
    dict
        JSON types only.
    """
    found: dict[str, Any] = {
        "method": attribution.method,
        "target": attribution.target,
        "parameters": dict(attribution.parameters),
        "samples_done": attribution.samples_done,
        "model": attribution.model,
        "model_sha256": attribution.model_sha256,
        "image_sha256": attribution.image_sha256,
        "version": attribution.version,
        "notes": list(attribution.notes),
    }
    if attribution.completeness_error is not None:
        found["completeness_error"] = attribution.completeness_error
    if attribution.agreement is not None:
        found["agreement_of_members"] = attribution.agreement
    return found
