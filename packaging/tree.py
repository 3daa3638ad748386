"""Assemble a self-contained tree: Python, its standard library, GalaxyScope and what it needs.

Usage: python packaging/tree.py WHEEL TREE

Run by the interpreter of the environment whose packages are taken (``.venv``), so that what is
shipped is what was tested. Files are copied as pip installed them,
less what `left_out` names. The tree may lie anywhere: Python finds its library beside itself.
"""

from __future__ import annotations

import compileall
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distribution
from importlib.util import cache_from_source
from pathlib import Path, PurePosixPath

from left_out import ADDED_DISTRIBUTIONS, DISTRIBUTIONS, STANDARD_LIBRARY, left_out, with_source
from packaging.requirements import Requirement

PROGRAM = "galaxyscope"
VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
# What came with symbol tables, that only a debugger reads.
STRIPPED = (
    "torch/lib/*.so",
    "kiwisolver/*.so",
    "yaml/*.so",
    "astropy/**/*.so",
    "erfa/*.so",
    "photutils/**/*.so",
    "safetensors/*.so",
    "PIL/*.so",
    "../lib-dynload/*.so",
)


def canonical(name: str) -> str:
    """Name of a distribution as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(requirements: Iterable[str], without: Iterable[str] = ()) -> list[str]:
    """Names of the distributions that fulfil requirements, and theirs, in alphabetical order.

    Parameters
    ----------
    requirements : iterable of str
        As in pyproject.toml.
    without : iterable of str
        Neither taken nor followed.

    Raises
    ------
    importlib.metadata.PackageNotFoundError
        If one of them is not installed.
    """
    found: set[str] = set()
    stop = {canonical(name) for name in without}
    ahead = list(requirements)
    while ahead:
        requirement = Requirement(ahead.pop())
        name = canonical(requirement.name)
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if wanted and name not in found and name not in stop:
            found.add(name)
            ahead += distribution(name).requires or ()
    return sorted(found)


def shipped() -> list[str]:
    """Names of the distributions that the package brings."""
    text = (Path(__file__).resolve().parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    requirements = tomllib.loads(text)["project"]["dependencies"]
    return needed([*requirements, *ADDED_DISTRIBUTIONS], DISTRIBUTIONS)


def files_of(of: Distribution) -> Iterator[tuple[Path, PurePosixPath]]:
    """Files of a distribution that are shipped: where each lies, and below ``site-packages``."""
    for file in of.files or ():
        if file.parts[0] == ".." or left_out(file.as_posix()):
            continue
        path = Path(str(of.locate_file(file)))
        if path.is_file():
            yield path, PurePosixPath(file.as_posix())


def copy(source: Path, target: Path) -> int:
    """Copy a file with its time, by which its compiled form is known to fit; its bytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)
    return source.stat().st_size


def copy_module(source: Path, target: Path, text: bool) -> int:
    """Copy a module: its text with the compiled form beside it, or the compiled form alone."""
    compiled = Path(cache_from_source(str(source), optimization=""))
    if not compiled.exists():
        return copy(source, target)
    if not text:
        return copy(compiled, target.with_suffix(".pyc"))
    beside = Path(cache_from_source(str(target), optimization=""))
    return copy(source, target) + copy(compiled, beside)


def copy_files(files: Iterable[tuple[Path, PurePosixPath]], folder: Path) -> int:
    """Copy files and modules into a folder; bytes copied."""
    size = 0
    for source, target in files:
        if target.suffix == ".py":
            size += copy_module(source, folder / target, with_source(target.as_posix()))
        elif target.suffix != ".pyc":
            size += copy(source, folder / target)
    return size


def copy_python(tree: Path) -> None:
    """Copy interpreter, its shared library where it has one, and the standard library."""
    program = tree / "bin" / VERSION
    copy(Path(sys._base_executable).resolve(), program)  # type: ignore[attr-defined]
    if sysconfig.get_config_var("Py_ENABLE_SHARED"):
        library = str(sysconfig.get_config_var("INSTSONAME"))
        copy(Path(str(sysconfig.get_config_var("LIBDIR"))) / library, tree / "lib" / library)
        subprocess.run(["patchelf", "--set-rpath", "$ORIGIN/../lib", program], check=True)
    standard = Path(sysconfig.get_path("stdlib"))
    files = ((file, PurePosixPath(file.relative_to(standard))) for file in standard.rglob("*"))
    wanted = (f for f in files if f[0].is_file() and not left_out(str(f[1]), STANDARD_LIBRARY))
    copy_files(wanted, tree / "lib" / VERSION)


def copy_packages(names: Iterable[str], site: Path) -> dict[str, int]:
    """Copy distributions; bytes of each."""
    return {name: copy_files(files_of(distribution(name)), site) for name in names}


def strip(tree: Path, site: Path) -> None:
    """Take out symbol tables."""
    libraries = [*(tree / "lib").glob("libpython*"), *(f for p in STRIPPED for f in site.glob(p))]
    subprocess.run(["strip", "--strip-unneeded", tree / "bin" / VERSION, *libraries], check=True)


def unpack_wheel(wheel: Path, site: Path) -> None:
    """Install GalaxyScope itself, compiled so that it need not be at every start."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    if not compileall.compile_dir(site / PROGRAM, quiet=1, stripdir=str(site)):
        raise SystemExit("tree: galaxyscope cannot be compiled")


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file())


def main(wheel: Path, tree: Path) -> None:
    """Assemble a tree; what lay there before is removed."""
    shutil.rmtree(tree, ignore_errors=True)
    site = tree / "lib" / VERSION / "site-packages"
    copy_python(tree)
    print(f"tree: {size_of(tree) / 1e6:7.1f} MB  Python {sysconfig.get_python_version()}")
    sizes = copy_packages(shipped(), site)
    for name in sorted(sizes, key=lambda n: -sizes[n]):
        print(f"tree: {sizes[name] / 1e6:7.1f} MB  {name}")
    strip(tree, site)
    unpack_wheel(wheel, site)
    print(f"tree: {size_of(tree) / 1e6:7.1f} MB  in all")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
