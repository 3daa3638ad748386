"""Several methods at once, estimates, targets, concepts and randomisation from the command line."""

from __future__ import annotations

import csv
import json
import runpy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from galaxyscope.cli.main import main
from galaxyscope.explain.registry import METHODS, PRESETS
from galaxyscope.explain.source_share import positive_share, source_mask
from galaxyscope.sky.readers import open_image

pytestmark = pytest.mark.usefixtures("light_model")


def described(path: Path) -> dict[str, Any]:
    """What a PNG says of itself."""
    with Image.open(path) as picture:
        found: dict[str, Any] = json.loads(picture.info["Description"])
    return found


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def rows(text: str) -> dict[str, dict[str, str]]:
    return {row["method"]: row for row in csv.DictReader(text.splitlines())}


@pytest.fixture
def few_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that fits, one that is refused."""
    from galaxyscope.explain import registry

    monkeypatch.setattr(registry, "PRESETS", {"all": ("gradient", "grad-cam", "input-x-gradient")})


@pytest.mark.usefixtures("few_methods")
def test_all_methods_that_fit(folder: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    from galaxyscope.explain import gradient

    honest = gradient.explain

    def broken(*_):
        raise RuntimeError("no luck today")

    out = tmp_path / "maps"
    ask = ("explain", folder / "a bar.fits", "--method", "all", "--target=-bar")
    assert run(*ask, "-o", out, "--figure", out) == 0
    found = rows(capsys.readouterr().out)
    assert [row["outcome"] for row in found.values()] == ["fits", "refused", "fits"]
    assert "no feature map" in found["grad-cam"]["reason"]
    assert float(found["gradient"]["seconds"]) > 0
    names = ["gradient.fits", "gradient.png", "input-x-gradient.fits", "input-x-gradient.png"]
    assert sorted(p.name for p in out.iterdir()) == names
    assert open_image(out / "gradient.fits").shape == (192, 192)

    monkeypatch.setattr(gradient, "explain", broken)
    shutil.rmtree(out)
    assert run(*ask, "-o", out) == 1
    printed = capsys.readouterr()
    found = rows(printed.out)
    assert found["gradient"]["outcome"] == "failed"
    assert "gradient: no luck today" in printed.err
    assert [p.name for p in out.iterdir()] == ["input-x-gradient.fits"]
    assert honest is not broken


@pytest.mark.usefixtures("few_methods")
def test_share_of_the_relevance_on_the_source(folder: Path, tmp_path: Path, capsys) -> None:
    """Recomputed from the maps that were written; empty without a map or without a source."""
    path = folder / "a bar.fits"
    assert run("explain", path, "--method", "all", "-o", tmp_path) == 0
    found = rows(capsys.readouterr().out)
    mask = source_mask(open_image(path).light)
    for name in ("gradient", "input-x-gradient"):
        share = positive_share(fits.getdata(tmp_path / f"{name}.fits"), mask)
        assert float(found[name]["source_share"]) == pytest.approx(share, rel=1e-3)
        assert 0 < share <= 1
    assert found["grad-cam"]["source_share"] == "", "refused"
    flat = tmp_path / "flat.fits"
    fits.writeto(flat, np.ones((64, 64), np.float32))
    assert run("explain", flat, "--method", "all", "-o", tmp_path / "flat") == 0
    found = rows(capsys.readouterr().out)
    assert found["gradient"]["outcome"] == "fits"
    assert {row["source_share"] for row in found.values()} == {""}, "nothing stands out"
    assert run("explain", path, "--method", "all", "--estimate") == 0
    assert {row["source_share"] for row in rows(capsys.readouterr().out).values()} == {""}


def test_methods_by_name(folder: Path, tmp_path: Path, capsys) -> None:
    """Each --method counts, not the last one alone; a method is run once."""
    out, names = tmp_path / "maps", ("gradient", "input-x-gradient", "gradient")
    ask = [part for name in names for part in ("--method", name)]
    assert run("explain", folder / "a bar.fits", *ask, "-o", out) == 0
    assert list(rows(capsys.readouterr().out)) == ["gradient", "input-x-gradient"]
    assert sorted(p.name for p in out.iterdir()) == ["gradient.fits", "input-x-gradient.fits"]
    assert run("explain", folder / "a bar.fits", *ask[:2], "--method", "magic", "-o", out) == 2
    assert "no method 'magic'" in capsys.readouterr().err


@pytest.mark.usefixtures("few_methods")
@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_all_methods_in_one_figure(folder: Path, tmp_path: Path, capsys, suffix: str) -> None:
    figure, maps = tmp_path / f"all{suffix}", tmp_path / "maps"
    ask = ("explain", folder / "a bar.fits", "--method", "all", "--seed", "5")
    assert run(*ask, "--figure", figure, "-o", maps) == 0
    data = figure.read_bytes()
    if suffix == ".svg":
        text = data.decode()
        assert "Input × gradient" in text
        assert "no feature map" in text, "what does not fit says why"
        assert "ab" * 32 in text, "the network's hash"
    if suffix == ".png":
        told = described(figure)
        made = [one["method"] for one in told["maps"] if not one["refused"]]
        assert made == ["gradient", "input-x-gradient"]
    assert sorted(p.name for p in maps.iterdir()) == ["gradient.fits", "input-x-gradient.fits"]
    wrong = tmp_path / "none" / f"all{suffix}"
    assert run(*ask, "--figure", wrong) != 0
    assert not wrong.parent.exists()


def test_every_exported_file_says_how_it_was_made(folder: Path, tmp_path: Path) -> None:
    method = "smoothgrad/signed"
    ask = ("explain", folder / "a bar.fits", "--method", method, "--samples", "3", "--seed", "9")
    for name in ("m.fits", "m.npy"):
        figure = tmp_path / f"{name}.png"
        assert run(*ask, "-o", tmp_path / name, "--figure", figure) == 0
        with Image.open(figure) as picture:
            told = json.loads(picture.info["Provenance"])
        assert (told["method"], told["seed"]) == (method, 9)
    header = fits.getheader(tmp_path / "m.fits")
    assert header["METHOD"] == method
    assert f'"method": "{method}"' in "".join(header["HISTORY"])
    beside = json.loads((tmp_path / "m.npy.json").read_text())
    assert (beside["method"], beside["seed"], beside["model_sha256"]) == (method, 9, "ab" * 32)
    assert json.loads(beside["parameters"])["noise"] == 0.25


def test_a_file_is_no_folder_for_many_maps(folder: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "m.fits"
    out.write_text("mine")
    assert run("explain", folder / "a bar.fits", "--method", "benchmark", "-o", out) == 2
    assert "need a folder" in capsys.readouterr().err
    assert out.read_text() == "mine"


def test_estimates_without_a_map(folder: Path, tmp_path: Path, capsys) -> None:
    assert run("explain", folder / "a bar.fits", "--method", "benchmark", "--estimate") == 0
    found = rows(capsys.readouterr().out)
    assert tuple(found) == PRESETS["benchmark"]
    assert found["grad-cam"]["outcome"] == "refused"
    times = {name: float(r["seconds"]) for name, r in found.items() if r["seconds"]}
    assert times["smoothgrad/signed"] > 50 * times["gradient"] > 0
    assert run("explain", folder / "a bar.fits", "--estimate", "--samples", "8") == 0
    assert list(rows(capsys.readouterr().out)) == [next(iter(METHODS))]
    assert list(tmp_path.glob("*.fits")) == []


@pytest.mark.parametrize("target", ["p(bar)", "bar-vs-siblings", "logit(bar)", "Class3.2"])
def test_targets(folder: Path, tmp_path: Path, target: str) -> None:
    maps = []
    for asked in (target, f"-{target}"):
        out = tmp_path / f"{len(maps)}.npy"
        ask = ("--method", "input-x-gradient", "-o", out, f"--target={asked}")
        assert run("explain", folder / "a bar.fits", *ask) == 0
        maps.append(np.load(out))
    np.testing.assert_allclose(maps[1], -maps[0], atol=1e-6 * np.abs(maps[0]).max())


@pytest.mark.parametrize(
    ("target", "says"), [("p(no)", "no target 'no'"), ("arms", "no target 'arms'")]
)
def test_unknown_targets(folder: Path, tmp_path: Path, capsys, target: str, says: str) -> None:
    out = tmp_path / "m.npy"
    assert run("explain", folder / "a bar.fits", "--target", target, "-o", out) == 2
    assert says in capsys.readouterr().err


def test_concepts(folder: Path, tmp_path: Path, capsys) -> None:
    """The network of these tests has no feature map, which is said."""
    many = tmp_path / "many"
    many.mkdir()
    for number in range(12):
        shutil.copy(folder / "a bar.fits", many / f"{number}.fits")
    ask = ("concepts", folder, "--concept", many, "--random", many)
    assert run(*ask, "-o", tmp_path / "t.csv") == 1
    assert "has no feature map" in capsys.readouterr().err
    assert run(*ask, "--concept", many) == 2
    assert "the same name" in capsys.readouterr().err
    assert run("concepts", folder, "--concept", folder, "--random", many) == 1
    assert "2 pictures of the concept cutouts are too few" in capsys.readouterr().err


def test_sanity(folder: Path, tmp_path: Path, capsys) -> None:
    """A network without weights stays what it is: every method fails."""
    ask = ("sanity", folder, "--method", "input-x-gradient", "-o", tmp_path)
    assert run(*ask) == 0
    (row,) = rows(capsys.readouterr().out).values()
    assert (row["outcome"], float(row["similarity"])) == ("fails", pytest.approx(1))
    kept = json.loads((tmp_path / "randomisation.json").read_text())
    assert kept["model_sha256"] == "ab" * 32
    assert kept["settings"] == {"input-x-gradient": {}}
    pictures = {image.name: open_image(image).sha256 for image in folder.iterdir()}
    assert kept["pictures"] == pictures
    # Other methods are added; without being asked nothing is written.
    assert run("sanity", folder, "--method", "gradient", "-o", tmp_path) == 0
    kept = json.loads((tmp_path / "randomisation.json").read_text())
    assert set(kept["methods"]) == {"input-x-gradient", "gradient"}
    assert run("sanity", folder / "a bar.fits", "--method", "gradient") == 0
    assert json.loads((tmp_path / "randomisation.json").read_text()) == kept
    # With other pictures they are scores of something else.
    assert run("sanity", folder / "a bar.fits", "--method", "gradient", "-o", tmp_path) == 0
    kept = json.loads((tmp_path / "randomisation.json").read_text())
    assert set(kept["methods"]) == {"gradient"}
    capsys.readouterr()
    assert run("sanity", folder, "-o", tmp_path / "nowhere") == 2
    assert run("sanity", folder, "--method", "magic", "-o", tmp_path) == 2


def test_the_share_on_the_source(folder: Path, capsys, monkeypatch) -> None:
    from galaxyscope.classify import store

    load = store.load_model
    monkeypatch.setattr(store, "load_model", lambda name, device: load(name))
    script = Path(__file__).parents[2] / "scripts" / "source_share.py"
    module = runpy.run_path(str(script))
    assert module["main"]([str(folder), "--model", "light", "--method", "input-x-gradient"]) == 0
    _, line = capsys.readouterr().out.strip().splitlines()
    name, share, _scatter, area, pictures = line.split()
    assert (name, pictures) == ("input-x-gradient", "2")
    assert float(share) > 0.95 > 0.5 > float(area), "the map is the light squared"
