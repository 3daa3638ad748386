"""Assemble a self-contained tree: Python, its standard library, GalaxyScope and what it needs.

Usage: python packaging/tree.py WHEEL TREE

Run by the interpreter of the environment whose packages are taken (``.venv``), so that what is
shipped is what was tested. Files are copied as pip installed them, with their compiled form,
less what `left_out` names. The tree may lie anywhere: Python finds its library beside itself.
"""

from __future__ import annotations

import compileall
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path, PurePosixPath

from left_out import ADDED_DISTRIBUTIONS, DISTRIBUTIONS, STANDARD_LIBRARY, left_out
from packaging.requirements import Requirement

PROGRAM = "galaxyscope"
VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
# Symbol tables that only a debugger of these libraries reads: 92 MB of 520.
STRIPPED = ("torch/lib/libtorch_cpu.so", "torch/lib/libtorch_python.so")


def canonical(name: str) -> str:
    """Name of a distribution as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(root: str, added: Iterable[str] = (), without: Iterable[str] = ()) -> list[str]:
    """Names of the distributions that one needs, itself left out, in alphabetical order.

    Parameters
    ----------
    root : str
        An installed distribution.
    added : iterable of str
        Taken besides its requirements.
    without : iterable of str
        Neither taken nor followed.

    Raises
    ------
    importlib.metadata.PackageNotFoundError
        If one of them is not installed.
    """
    found: set[str] = set()
    stop = {canonical(name) for name in without}
    ahead = [*_requirements(distribution(root)), *map(canonical, added)]
    while ahead:
        name = ahead.pop()
        if name not in found and name not in stop:
            found.add(name)
            ahead += _requirements(distribution(name))
    return sorted(found - {canonical(root)})


def _requirements(of: Distribution) -> Iterator[str]:
    for text in of.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield canonical(requirement.name)


def files_of(of: Distribution) -> Iterator[tuple[Path, PurePosixPath]]:
    """Files of a distribution that are shipped: where each lies, and below ``site-packages``."""
    for file in of.files or ():
        if file.parts[0] == ".." or left_out(file.as_posix()):
            continue
        path = Path(str(of.locate_file(file)))
        if path.is_file():
            yield path, PurePosixPath(file.as_posix())


def copy(source: Path, target: Path) -> None:
    """Copy a file with its time, by which its compiled form is known to fit."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def copy_python(tree: Path) -> None:
    """Copy interpreter, its shared library where it has one, and the standard library."""
    program = tree / "bin" / VERSION
    copy(Path(sys._base_executable).resolve(), program)  # type: ignore[attr-defined]
    if sysconfig.get_config_var("Py_ENABLE_SHARED"):
        library = str(sysconfig.get_config_var("INSTSONAME"))
        copy(Path(str(sysconfig.get_config_var("LIBDIR"))) / library, tree / "lib" / library)
        subprocess.run(["patchelf", "--set-rpath", "$ORIGIN/../lib", program], check=True)
    standard = Path(sysconfig.get_path("stdlib"))
    for file in standard.rglob("*"):
        name = file.relative_to(standard)
        if file.is_file() and not left_out(name.as_posix(), STANDARD_LIBRARY):
            copy(file, tree / "lib" / VERSION / name)


def copy_packages(names: Iterable[str], site: Path) -> dict[str, int]:
    """Copy distributions; bytes of each."""
    sizes = {}
    for name in names:
        files = list(files_of(distribution(name)))
        for source, target in files:
            copy(source, site / target)
        sizes[name] = sum(source.stat().st_size for source, _ in files)
    for library in STRIPPED:
        if (site / library).exists():
            subprocess.run(["strip", "--strip-unneeded", site / library], check=True)
    return sizes


def unpack_wheel(wheel: Path, site: Path) -> None:
    """Install GalaxyScope itself, compiled so that it need not be at every start."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    if not compileall.compile_dir(site / PROGRAM, quiet=1, stripdir=str(site)):
        raise SystemExit("tree: galaxyscope cannot be compiled")


def size_of(folder: Path) -> int:
    """Bytes on a disk with blocks of 4 KiB, as ``du`` counts them."""
    return sum(-(-file.lstat().st_size // 4096) * 4096 for file in folder.rglob("*"))


def main(wheel: Path, tree: Path) -> None:
    """Assemble a tree; what lay there before is removed."""
    shutil.rmtree(tree, ignore_errors=True)
    site = tree / "lib" / VERSION / "site-packages"
    copy_python(tree)
    print(f"tree: {size_of(tree) / 1e6:7.1f} MB  Python {sysconfig.get_python_version()}")
    names = needed(PROGRAM, ADDED_DISTRIBUTIONS, DISTRIBUTIONS)
    sizes = copy_packages(names, site)
    for name in sorted(sizes, key=lambda n: -sizes[n]):
        print(f"tree: {sizes[name] / 1e6:7.1f} MB  {name}")
    unpack_wheel(wheel, site)
    print(f"tree: {size_of(tree) / 1e6:7.1f} MB  in all")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
