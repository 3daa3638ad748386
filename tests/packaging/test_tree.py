"""What the packages leave out is nothing that the program needs."""

from __future__ import annotations

import ast
import importlib.util
import py_compile
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType

import pytest

import galaxyscope

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path(galaxyscope.__file__).resolve().parent
OPTIONAL = {"timm"}


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "packaging"))
    spec = importlib.util.spec_from_file_location(name, ROOT / "packaging" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.delitem(sys.modules, "left_out", raising=False)
    return module


@pytest.fixture
def left_out(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return load("left_out", monkeypatch)


@pytest.fixture
def tree(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return load("tree", monkeypatch)


def imported_modules() -> set[str]:
    """Full names of the modules, not of the package's own, that some file of it imports."""
    found = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module)
    return {
        name
        for name in found
        if name.partition(".")[0] not in {*sys.stdlib_module_names, "galaxyscope", *OPTIONAL}
    }


def test_the_program_imports_something_heavy() -> None:
    assert {"torch", "PySide6.QtWidgets", "skimage.segmentation"} <= imported_modules()


def test_every_imported_distribution_is_shipped(tree: ModuleType) -> None:
    shipped = set(tree.shipped())
    owners = packages_distributions()
    for name in imported_modules():
        who = {tree.canonical(owner) for owner in owners[name.partition(".")[0]]}
        assert who & shipped, f"{name} of {who} is left out"
    assert not shipped & tree.DISTRIBUTIONS
    assert {"sympy", "shiboken6"} <= shipped, "what torch and Qt need comes too"


def test_every_imported_module_is_shipped(left_out: ModuleType) -> None:
    for name in imported_modules():
        path = name.replace(".", "/")
        for form in (f"{path}.py", f"{path}/__init__.py", f"{path}.abi3.so"):
            assert not left_out.left_out(form), name


@pytest.mark.slow
def test_all_work_is_done_without_what_is_left_out() -> None:
    """Also what libraries import by themselves is shipped."""
    sample = next((ROOT / "resources" / "samples").glob("GS-01*.fits"))
    script = Path(__file__).with_name("work_without.py")
    done = subprocess.run(
        [sys.executable, script, ROOT / "packaging", sample],
        capture_output=True, text=True, timeout=300, cwd=ROOT,
    )  # fmt: skip
    assert done.stdout.endswith("done\n"), done.stderr


@pytest.mark.parametrize(
    "path",
    [
        "torch/lib/libtorch_cpu.so",
        "torch/bin/torch_shm_manager",
        "torch/testing/_internal/common_dtype.py",
        "torch/testing/_internal/distributed/fake_pg.py",
        "torch/_inductor/utils.py",
        "astropy/tests/__init__.py",
        "astropy/tests/runner.py",
        "skimage/segmentation/__init__.pyi",
        "PySide6/Qt/plugins/platforms/libqxcb.so",
        "PySide6/Qt/plugins/platforms/libqwayland.so",
        "PySide6/Qt/lib/libQt6Network.so.6",
        "PySide6/QtOpenGL.abi3.so",
        "PySide6/QtOpenGLWidgets.abi3.so",
        "matplotlib/mpl-data/fonts/ttf/DejaVuSans.ttf",
    ],
)
def test_what_is_needed_stays(left_out: ModuleType, path: str) -> None:
    assert not left_out.left_out(path)


@pytest.mark.parametrize(
    "path",
    [
        "torch/include/ATen/ATen.h",
        "torch/test/test_api",
        "torch/bin/test_api",
        "torch/bin/protoc",
        "torch/lib/libtorchbind_test.so",
        "torch/testing/_internal/common_methods_invocations.py",
        "astropy/io/fits/tests/test_image.py",
        "astropy/io/fits/tests/data/test0.fits",
        "PySide6/Qt/lib/libQt6Quick.so.6",
        "PySide6/Qt/qml/QtQuick/qmldir",
        "PySide6/QtQml.abi3.so",
    ],
)
def test_what_is_not_needed_goes(left_out: ModuleType, path: str) -> None:
    assert left_out.left_out(path)


def test_text_of_modules_is_kept_where_it_is_read(left_out: ModuleType) -> None:
    assert left_out.with_source("galaxyscope/launch.py")
    assert left_out.with_source("torch/nn/functional.py")
    assert not left_out.with_source("scipy/ndimage/__init__.py")
    assert not left_out.with_source("torch/_inductor/utils.py")
    assert left_out.with_source("torch/_inductor/config.py")


@pytest.mark.parametrize("text", [True, False])
def test_a_copied_module_can_be_imported(tree: ModuleType, tmp_path: Path, text: bool) -> None:
    source = tmp_path / "from" / "greeting.py"
    source.parent.mkdir()
    source.write_text("print('hello')")
    py_compile.compile(str(source))
    to = tmp_path / "to"
    size = tree.copy_module(source, to / "greeting.py", text)
    assert size == sum(file.stat().st_size for file in to.rglob("*") if file.is_file())
    assert (to / "greeting.py").exists() is text
    before = {file: file.stat().st_mtime_ns for file in to.rglob("*")}
    done = subprocess.run(
        [sys.executable, "-c", "import greeting"], cwd=to, capture_output=True, text=True
    )
    assert done.stdout == "hello\n", done.stderr
    assert {file: file.stat().st_mtime_ns for file in to.rglob("*")} == before, (
        "it was compiled again"
    )


def test_a_module_without_compiled_form_is_copied_as_it_is(
    tree: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "a.py").write_text("")
    tree.copy_module(tmp_path / "a.py", tmp_path / "to" / "a.py", False)
    assert [file.name for file in (tmp_path / "to").iterdir()] == ["a.py"]


def file_lists() -> Iterator[str]:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]
    yield from build["build"]["targets"]["wheel"]["force-include"]
    yield from build["build"]["targets"]["sdist"]["include"]


def test_wheel_and_source_archive_name_what_there_is() -> None:
    missing = [name for name in file_lists() if not (ROOT / name).exists()]
    assert set(missing) <= {"models"}, "a checkout may have no trained model yet"
    assert {"resources", "models", "CITATION.cff"} <= set(file_lists())
