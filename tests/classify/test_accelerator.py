"""Networks on a graphics card say what they say on the CPU, in the memory that there is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from galaxyscope.classify.calibrate import AGREEMENT, calibrate, recalled
from galaxyscope.classify.exported import export
from galaxyscope.classify.modes import PRECISIONS, WORKS
from galaxyscope.classify.store import load_model
from galaxyscope.resources import samples_folder
from galaxyscope.sky.readers import list_images, open_image
from tests.classify.test_exported import SIZE, Odd, card_of

MODELS = ("galaxyzoo", "bars", "elliptical", "elliptical-vit", "radio-fr", "bar-length")


def prepared(classifier):
    images = [open_image(entry) for entry in list_images(samples_folder())[:4]]
    return [classifier.prepare(image) for image in images]


def answers(classifier, times: int = 1) -> torch.Tensor:
    said = classifier.predict_many(prepared(classifier) * times)
    return torch.tensor([list(one.logits.values()) for one in said])


@pytest.mark.parametrize("name", MODELS)
def test_answers_are_those_of_the_cpu(accelerator: str, name: str) -> None:
    there = load_model(name, device=accelerator)
    assert there.device.type == accelerator
    off = (answers(there) - answers(load_model(name, device="cpu"))).abs().max()
    assert off < 1e-3, f"logits differ by {off:.2g}"
    assert there.notices == ()


@pytest.mark.parametrize("name", ["galaxyzoo/resnet", "elliptical-vit"])
def test_calibrated_answers_agree_and_are_remembered(accelerator: str, name: str) -> None:
    there = load_model(name, device=accelerator, precision="auto")
    before = torch.sigmoid(answers(there))
    calibrate(there, seconds=1.0)
    assert recalled(there) == there.modes
    assert there.modes.keys() == {(work, asked) for work in WORKS for asked in PRECISIONS}
    mode = there.mode("forward")
    assert there.mode("backward").batch >= 16, "with a few pictures a card waits"
    off = (torch.sigmoid(answers(there)) - before).abs().max()
    assert off <= 2 * AGREEMENT["forward", mode.precision], f"{mode}: {off:.2g}"


def test_exported_programs_too(accelerator: str, tmp_path: Path) -> None:
    """Constants and what the program makes out of nothing come to the card as well."""
    torch.manual_seed(0)
    export(Odd().eval(), card_of(), tmp_path / "mine")
    x, told = torch.rand(3, 3, SIZE, SIZE), []
    for device in ("cpu", accelerator):
        there = load_model(tmp_path / "mine", device=device)
        picture = x.to(there.device).requires_grad_(True)
        logits = there.logits(picture)
        (slope,) = torch.autograd.grad(logits[:, 0].sum(), picture)
        told.append((logits.detach().cpu(), slope.cpu()))
    for found, expected in zip(told[1], told[0], strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


def test_memory_that_runs_out_makes_smaller_batches() -> None:
    if not torch.cuda.is_available():
        pytest.skip("this machine has no graphics card whose memory can be limited")
    expected = answers(load_model("galaxyzoo/vgg", device="cuda"), 14)
    torch.cuda.empty_cache()
    here = torch.device("cuda", torch.cuda.current_device())
    _, total = torch.cuda.mem_get_info(here)
    tight = load_model("galaxyzoo/vgg", device="cuda")
    picture = torch.zeros(1, 3, tight.card.input_size, tight.card.input_size, device=here)
    torch.cuda.reset_peak_memory_stats(here)
    with torch.no_grad():
        tight.logits(picture)
    # Enough for a few pictures, not for the 448 that go in together.
    limit = torch.cuda.max_memory_reserved(here) + 8 * 2**20
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(limit / total, here)
    try:
        found = answers(tight, 14)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, here)
    assert (found - expected).abs().max() < 1e-3
    assert any("ran out" in sentence for sentence in tight.notices)
