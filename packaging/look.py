"""See that an installed GalaxyScope has all that ships with it, and nothing of the source tree.

Usage: python packaging/look.py SOURCE_TREE, with the Python of the environment to look at.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(source_tree: Path) -> None:
    """Compare the data that are found with those of the source tree, file by file."""
    sys.path = [place for place in sys.path if Path(place or ".").resolve() not in
                {source_tree, source_tree / "packaging"}]  # fmt: skip
    import galaxyscope
    from galaxyscope.resources import bundled

    package = Path(galaxyscope.__file__).resolve().parent
    if package.is_relative_to(source_tree):
        raise SystemExit(f"look: {package} is the source tree")
    for name in ("resources/icons", "resources/samples", "resources/desktop", "models"):
        found, source = bundled(name), source_tree / name
        if not found.is_relative_to(package):
            raise SystemExit(f"look: {name} is not installed")
        wanted = {file.relative_to(source) for file in source.rglob("*") if file.is_file()}
        missing = sorted(str(file) for file in wanted if not (found / file).is_file())
        if missing or not wanted:
            raise SystemExit(f"look: {name} lacks {', '.join(missing) or 'everything'}")
        print(f"look: {len(wanted)} files of {name}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
