"""Exported programs: they answer as the network did, and a file can do nothing else."""

from __future__ import annotations

import io
import json
import logging
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from galaxyscope.classify.architectures import build
from galaxyscope.classify.card import ModelCard, ModelError, read_card
from galaxyscope.classify.exported import PROGRAM_FILE, export, load_exported
from galaxyscope.classify.pt2 import read_program
from galaxyscope.classify.store import load_model

SIZE = 32


class Odd(nn.Module):
    """What users' networks have: in place, buffers, attention, views by the batch, constants."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.act = nn.ReLU(inplace=True)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(8, 4)
        self.register_buffer("kernel", torch.ones(8, 1, 3, 3) / 9, persistent=False)
        self.offset = torch.tensor([0.1, 0.2, 0.3])

    def forward(self, x: Tensor) -> Tensor:
        x = x - self.offset.view(1, 3, 1, 1)
        x.mul_(2)
        x = functional.max_pool2d(self.act(self.norm(self.conv(x))), 2)
        x = functional.conv2d(x, self.kernel, padding=1, groups=8)
        x = functional.interpolate(x, scale_factor=2, mode="bilinear")[:, :, ::2, 1::2]
        tokens = x.flatten(2).transpose(1, 2)
        tokens = tokens + self.attention(tokens, tokens, tokens)[0]
        first, rest = tokens.split([1, tokens.shape[1] - 1], dim=1)
        joint = torch.cat([first, rest + torch.arange(8, device=x.device)], 1)
        a, b = joint.reshape(x.shape[0], -1, 2, 4).unbind(2)
        return self.head(self.drop(joint.mean(1))) + torch.where(a > b, a, b).sum(1)


def card_of(classes: int = 4, size: int = SIZE, **more: Any) -> ModelCard:
    values: dict[str, Any] = {
        "name": "mine",
        "title": "Mine",
        "task": "test",
        "architecture": "exported",
        "parameters": {},
        "classes": tuple("abcdefgh"[:classes]),
        "targets": {"first": "a"},
        "input_size": size,
        "field_r90": 2.0,
        "sha256": "",
    }
    return ModelCard(**values | more)


def exported(network: nn.Module, *, dynamic: bool = True, batch: int = 2, **how: Any) -> Any:
    shapes = ({0: torch.export.Dim("batch", min=1)},) if dynamic else None
    x = torch.rand(batch, 3, SIZE, SIZE)
    return torch.export.export(network, (x,), dynamic_shapes=shapes, **how)


def saved(program: Any) -> bytes:
    file = io.BytesIO()
    torch.export.save(program, file)
    return file.getvalue()


@pytest.fixture(scope="module")
def odd() -> nn.Module:
    torch.manual_seed(0)
    return Odd().eval()


@pytest.fixture(scope="module")
def odd_file(odd: nn.Module) -> bytes:
    return saved(exported(odd))


def rewritten(data: bytes, change: Callable[[str, bytes], bytes | None]) -> bytes:
    """Write the archive anew, member by member; None leaves one out."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return file.getvalue()


def with_json(data: bytes, ending: str, change: Callable[[Any], None]) -> bytes:
    def one(name: str, content: bytes) -> bytes:
        if not name.endswith(ending):
            return content
        values = json.loads(content)
        change(values)
        return json.dumps(values).encode()

    return rewritten(data, one)


# It is the same network


def test_answers_and_gradients_are_those_of_the_network(odd, odd_file) -> None:
    network = load_exported(card_of(), odd_file)
    for count in (1, 3, 7):
        x = torch.rand((count, 3, SIZE, SIZE), requires_grad=True)
        kept = x.detach().clone()
        torch.testing.assert_close(network(x), odd(x), rtol=1e-4, atol=1e-2)
        found, expected = (torch.autograd.grad(n(x)[:, 1].sum(), x)[0] for n in (network, odd))
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)
        assert torch.equal(x, kept), "operations in place must not reach the picture"


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("densenet121", {"width": 0.25, "blocks": [1, 1]}),
        ("vit", {"size": 32, "patch": 8, "features": 16, "depth": 1, "heads": 2}),
    ],
)
@pytest.mark.parametrize("decomposed", [False, True])
@pytest.mark.filterwarnings("ignore:`isinstance.treespec, LeafSpec.:FutureWarning")  # torch's own
def test_programs_in_either_form_of_torch(name, parameters, decomposed) -> None:
    network = build(name, 4, parameters).eval()
    program = exported(network)
    data = saved(program.run_decompositions() if decomposed else program)
    x = torch.rand(3, 3, SIZE, SIZE)
    with torch.no_grad():
        torch.testing.assert_close(load_exported(card_of(), data)(x), network(x))


def test_explainers_see_the_operations_of_the_network(odd, odd_file) -> None:
    """Guided backpropagation through the program is that through the network itself."""
    from galaxyscope.explain.guided import GuidedRules

    network, x = load_exported(card_of(), odd_file), torch.rand(1, 3, SIZE, SIZE)
    maps = []
    for one in (odd, network):
        picture = x.clone().requires_grad_(True)
        with GuidedRules():
            logits = one(picture)
        maps.append(torch.autograd.grad(logits[0, 0], picture)[0])
    plain = x.clone().requires_grad_(True)
    gradient = torch.autograd.grad(odd(plain)[0, 0], plain)[0]
    torch.testing.assert_close(maps[0], maps[1], rtol=1e-3, atol=1e-5)
    assert not torch.allclose(maps[1], gradient, rtol=1e-2)


def test_export_writes_a_folder_that_opens(tmp_path: Path, odd: nn.Module) -> None:
    network = Odd().train()
    written = export(network, card_of(), tmp_path / "mine")
    assert network.training
    assert all(p.requires_grad for p in network.parameters())
    assert read_card(tmp_path / "mine") == written
    classifier = load_model(tmp_path / "mine", "cpu")
    x = torch.rand(5, 3, SIZE, SIZE)
    with torch.no_grad():
        torch.testing.assert_close(classifier.logits(x), network.eval()(x), rtol=1e-4, atol=1e-2)


def test_what_cannot_be_exported_is_said(tmp_path: Path) -> None:
    class Decides(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.mean((1, 2, 3))[:, None].repeat(1, 4) if x.sum() > 0 else x[:, :4, 0, 0]

    with pytest.raises(ModelError, match="torch cannot export the network"):
        export(Decides(), card_of(), tmp_path)
    assert not list(tmp_path.iterdir())


# A card that lies, a program that does not fit


@pytest.mark.parametrize(
    ("card", "message"),
    [
        (card_of(3), r"shape \(2, 4\), and the card names 3 classes"),
        (card_of(4, size=48), "does not run|shape"),
        (card_of(parameters={"width": 2}), "takes no parameters"),
    ],
)
def test_card_that_lies_is_refused(odd_file, card, message) -> None:
    if card.input_size != SIZE:  # the odd one takes any size
        network = build("three-block", 4, {"width": 0.25, "dense": []}).eval()
        network.grid = nn.Identity()
        network.head = nn.Sequential(nn.Linear(32 * 16, 4))
        odd_file = saved(exported(network))
    with pytest.raises(ModelError, match=message) as raised:
        load_exported(card, odd_file)
    assert "\n" not in str(raised.value)


def test_another_file_than_the_card_was_written_for(tmp_path, odd, odd_file) -> None:
    export(odd, card_of(), tmp_path)
    (tmp_path / PROGRAM_FILE).write_bytes(odd_file + b" ")
    with pytest.raises(ModelError, match="not those the card was written for"):
        load_model(tmp_path, "cpu")
    (tmp_path / PROGRAM_FILE).unlink()
    with pytest.raises(ModelError, match=r"network\.pt2 cannot be read"):
        load_model(tmp_path, "cpu")


def test_batch_of_fixed_size_is_refused_with_advice() -> None:
    class Fixed(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x[:, :, 0, 0].repeat(1, 2)[:, :4].reshape(2, 4)

    data = saved(exported(Fixed(), dynamic=False))
    with pytest.raises(ModelError, match="dynamic batch dimension"):
        load_exported(card_of(), data)


@pytest.mark.parametrize("part", [nn.BatchNorm2d(3), nn.Dropout(0.5), nn.Dropout2d(0.5)])
def test_training_mode_is_refused(part: nn.Module) -> None:
    network = nn.Sequential(part, nn.Flatten(), nn.Linear(3 * SIZE**2, 4)).train()
    with pytest.raises(ModelError, match=r"call eval\(\)"):
        load_exported(card_of(), saved(exported(network)))


def test_random_programs_and_pictures_that_see_each_other_are_refused() -> None:
    class Mixed(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x[:, :, 0, 0].repeat(1, 2)[:, :4] - x.mean()

    with pytest.raises(ModelError, match="otherwise when another is beside it"):
        load_exported(card_of(), saved(exported(Mixed())))

    class Noisy(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.randn_like(x)[:, 0, 0, :4]

    with pytest.raises(ModelError, match=r"not known here: aten\.randn_like"):
        load_exported(card_of(), saved(exported(Noisy())))


# A file that means harm


class Bomb:
    """Unpickling this leaves a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.mark,))


def test_pickles_in_the_file_are_never_opened(tmp_path, odd, odd_file) -> None:
    """Broken twin: `torch.export.load` runs the very same file's pickle."""
    mark = tmp_path / "mark"

    def bomb(name: str, content: bytes) -> bytes:
        if not name.endswith("sample_inputs/model.pt"):
            return content
        file = io.BytesIO()
        torch.save(((Bomb(mark),), {}), file)
        return file.getvalue()

    data = rewritten(odd_file, bomb)
    network = load_exported(card_of(), data)
    assert network(torch.rand(1, 3, SIZE, SIZE)).shape == (1, 4)
    assert not mark.exists()
    logging.disable(logging.CRITICAL)  # torch's own warning there has an argument too few
    try:
        torch.export.load(io.BytesIO(data))
    finally:
        logging.disable(logging.NOTSET)
    assert mark.exists()


@pytest.mark.parametrize("folder", ["weights", "constants"])
def test_pickled_tensors_are_refused(odd_file, folder) -> None:
    def pickled(values: Any) -> None:
        next(iter(values["config"].values()))["use_pickle"] = True

    data = with_json(odd_file, f"model_{folder}_config.json", pickled)
    with pytest.raises(ModelError, match="nothing is ever unpickled"):
        load_exported(card_of(), data)


@pytest.mark.parametrize(
    "target",
    [
        "torch.serialization.os.system",
        "torch.load",
        "torch.ops.aten.from_file.default",
        "torch.ops.aten.conv2d.__class__.mro",
        "torch.ops.higher_order.cond",
        "_operator.attrgetter",
        "_operator.pow",
        "math.factorial",
        "#extension:call",
        "os.system",
        "",
    ],
)
def test_only_listed_operations_run(odd_file, target) -> None:
    """`torch.export.load` would look most of these up, and run them."""

    def other(values: Any) -> None:
        values["graph_module"]["graph"]["nodes"][3]["target"] = target

    data = with_json(odd_file, "models/model.json", other)
    with pytest.raises(ModelError, match="operations that are not known here"):
        load_exported(card_of(), data)


def test_guards_and_sizes_as_python_text_are_not_evaluated(tmp_path, odd_file) -> None:
    mark = tmp_path / "mark"
    code = f"__import__('pathlib').Path({str(mark)!r}).touch()"

    def plant(values: Any) -> None:
        values["guards_code"] = [code]
        for one in values["graph_module"]["graph"]["sym_int_values"].values():
            one["as_expr"]["expr_str"] = code
        values["graph_module"]["graph"]["nodes"][0]["metadata"]["stack_trace"] = code

    load_exported(card_of(), with_json(odd_file, "models/model.json", plant))
    assert not mark.exists()


def _first_weight(values: Any) -> Any:
    return next(iter(values["config"].values()))["tensor_meta"]


def _sizes(*sizes: int) -> Callable[[Any], None]:
    return lambda values: _first_weight(values).update(sizes=[{"as_int": s} for s in sizes])


@pytest.mark.parametrize(
    ("ending", "change", "message"),
    [
        ("weights_config.json", _sizes(10**9, 10**9), "shorter than its shape"),
        ("weights_config.json", _sizes(-1, 8), "shorter than its shape"),
        ("weights_config.json", _sizes(2, 2, 3, 3), "damaged|does not run|shape"),
        ("weights_config.json", lambda v: _first_weight(v).update(dtype=99), "unknown kind"),
        (
            "weights_config.json",
            lambda v: _first_weight(v)["storage_offset"].update(as_int=10**6),
            "damaged",
        ),
        ("weights_config.json", lambda v: v["config"].popitem(), "as torch writes it"),
        ("models/model.json", lambda v: v["schema_version"].update(major=99), "another form"),
        ("models/model.json", lambda v: v.pop("graph_module"), "as torch writes it"),
        (
            "models/model.json",
            lambda v: v["graph_module"]["graph"]["nodes"].pop(),
            "does not run",
        ),
        (
            "models/model.json",
            lambda v: v["graph_module"]["signature"]["output_specs"].append(
                {"buffer_mutation": {}}
            ),
            "changes its own weights",
        ),
    ],
)
def test_damage_is_one_sentence(odd_file, ending, change, message) -> None:
    with pytest.raises(ModelError, match=message) as raised:
        load_exported(card_of(), with_json(odd_file, ending, change))
    assert "\n" not in str(raised.value)
    assert PROGRAM_FILE in str(raised.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no exported program"),
        (b"PK\x03\x04" + bytes(100), "no exported program"),
        (pickle.dumps([1, 2, 3]), "no exported program"),
    ],
)
def test_other_files_are_refused(data, message) -> None:
    with pytest.raises(ModelError, match=message):
        load_exported(card_of(), data)


def test_checkpoints_and_older_programs_are_refused(odd) -> None:
    file = io.BytesIO()
    torch.save(odd.state_dict(), file)
    with pytest.raises(ModelError, match="no exported program"):
        load_exported(card_of(), file.getvalue())
    old = io.BytesIO()
    with zipfile.ZipFile(old, "w") as archive:
        archive.writestr("version", "8.2")
        archive.writestr("serialized_exported_program.json", "{}")
    with pytest.raises(ModelError, match="older torch, with pickled weights"):
        load_exported(card_of(), old.getvalue())


def test_truncated_and_compressed_files_are_refused(odd_file) -> None:
    for length in range(10, len(odd_file), len(odd_file) // 7):
        with pytest.raises(ModelError):
            load_exported(card_of(), odd_file[:length])
    packed = io.BytesIO()
    old = zipfile.ZipFile(io.BytesIO(odd_file))
    with old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    with pytest.raises(ModelError, match="compressed"):
        load_exported(card_of(), packed.getvalue())


def test_weights_that_are_not_finite_are_refused(odd) -> None:
    network = Odd().eval()
    with torch.no_grad():
        network.head.bias[0] = float("nan")
    with pytest.raises(ModelError, match=r"head\.bias in it has values that are not finite"):
        load_exported(card_of(), saved(exported(network)))


def test_values_are_let_go_when_nobody_needs_them(odd_file) -> None:
    """Memory of a run is that of what is still needed, not of all operations."""
    network = load_exported(card_of(), odd_file)
    program = read_program(odd_file)
    made = {name for step in program.steps for name in step.results}
    dropped = [name for names in network._done[:-1] for name in names]
    assert made - set(dropped) == {program.answer}
    assert len(dropped) == len(set(dropped))
