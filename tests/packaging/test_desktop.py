"""What the desktops are told of GalaxyScope agrees with itself and with the program."""

from __future__ import annotations

import configparser
import plistlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

import galaxyscope
from galaxyscope.records.store import APPLICATION_ID, Session, is_session_name
from galaxyscope.resources import samples_folder

ROOT = Path(__file__).resolve().parents[2]
DESKTOP = ROOT / "resources" / "desktop"
ENTRY = DESKTOP / "galaxyscope.desktop"
MIME = DESKTOP / "galaxyscope-mime.xml"
METAINFO = DESKTOP / "org.galaxyscope.GalaxyScope.metainfo.xml"
NAMESPACE = "{http://www.freedesktop.org/standards/shared-mime-info}"
FITS, SESSION = "application/fits", "application/vnd.galaxyscope.session"


def entry() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(ENTRY, encoding="utf-8")
    return parser["Desktop Entry"]


def listed(text: str) -> set[str]:
    assert text.endswith(";")
    return set(text.split(";")[:-1])


def mime_types() -> dict[str, ElementTree.Element]:
    return {node.attrib["type"]: node for node in ElementTree.parse(MIME).getroot()}


def globs(mime: str) -> set[str]:
    return {node.attrib["pattern"] for node in mime_types()[mime].iter(f"{NAMESPACE}glob")}


def endings(mime: str) -> set[str]:
    """Last parts of the names, less those that any compressed file has."""
    return {pattern.rpartition(".")[2] for pattern in globs(mime)} - {"gz", "bz2"}


def fits_magic(data: bytes, node: ElementTree.Element) -> bool:
    """Whether data match a rule of the MIME file: itself, and one of those inside it."""
    start = int(node.attrib["offset"])
    if node.attrib["type"] == "big32":
        wanted = int(node.attrib["value"], 16).to_bytes(4, "big")
    else:
        assert node.attrib["type"] == "string"
        wanted = node.attrib["value"].encode().decode("unicode_escape").encode("latin-1")
    inner = list(node)
    here = data[start : start + len(wanted)] == wanted
    return here and (not inner or any(fits_magic(data, child) for child in inner))


def matching(data: bytes) -> list[str]:
    return [
        mime
        for mime, node in mime_types().items()
        if any(fits_magic(data, rule) for rule in node.iterfind(f"{NAMESPACE}magic/*"))
    ]


def test_the_entry_takes_files_and_has_its_icon() -> None:
    assert entry()["Exec"] == "galaxyscope %F"
    icons = ROOT / "resources" / "icons"
    for size in (16, 24, 32, 48, 64, 128, 256, 512):
        assert (icons / f"{entry()['Icon']}-{size}.png").is_file()
    assert (icons / f"{entry()['Icon']}.svg").is_file()


def test_the_command_of_the_entry_is_that_of_the_wheel() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert entry()["Exec"].split()[0] in project["scripts"]


def test_fits_files_open_with_a_double_click() -> None:
    assert globs(FITS) >= {"*.fits", "*.fit", "*.fts", "*.fits.gz", "*.fits.fz"}
    aliases = {node.attrib["type"] for node in mime_types()[FITS].iter(f"{NAMESPACE}alias")}
    assert listed(entry()["MimeType"]) >= {FITS, *aliases}


def test_every_type_that_is_claimed_can_be_opened(tmp_path: Path) -> None:
    from PIL import Image

    from galaxyscope.sky.readers import open_image

    sample = next(samples_folder().glob("*.fits"))
    for mime in listed(entry()["MimeType"]):
        kind = mime.partition("/")[2]
        if mime == SESSION:
            assert is_session_name(tmp_path / "a.galaxyscope")
            continue
        if "fits" in kind:
            file = sample
        else:
            file = tmp_path / f"a.{kind}"
            Image.new("L", (40, 40), 7).save(file)
        assert min(open_image(file).shape) >= 40


def test_a_fits_file_is_known_by_its_first_bytes() -> None:
    data = next(samples_folder().glob("*.fits")).read_bytes()
    assert matching(data) == [FITS]
    assert matching(b" " + data) == []


def test_a_session_is_known_from_every_other_database(tmp_path: Path) -> None:
    session = Session(tmp_path / "s.galaxyscope")
    session.close()
    data = (tmp_path / "s.galaxyscope").read_bytes()
    assert data[68:72] == APPLICATION_ID.to_bytes(4, "big")
    assert matching(data) == [SESSION]
    assert matching(data[:68] + bytes(4) + data[72:]) == []
    assert globs(SESSION) == {"*.galaxyscope"}


def test_the_software_centre_is_told_the_same() -> None:
    root = ElementTree.parse(METAINFO).getroot()
    assert root.findtext("id") == METAINFO.name.removesuffix(".metainfo.xml")
    assert root.findtext("launchable") == ENTRY.name
    assert root.findtext("icon") == entry()["Icon"]
    assert root.findtext("name") == entry()["Name"]
    assert root.findtext("summary") == entry()["Comment"]
    assert root.find("releases/release").attrib["version"] == galaxyscope.__version__  # type: ignore[union-attr]
    types = {node.text for node in root.iterfind("provides/mediatype")}
    assert types <= listed(entry()["MimeType"])
    assert {node.text for node in root.iterfind("categories/category")} == listed(
        entry()["Categories"]
    )


def plist_endings(key: str) -> Iterator[str]:
    with (ROOT / "packaging" / "macos" / "Info.plist").open("rb") as file:
        for kind in plistlib.load(file)[key]:
            yield from kind["UTTypeTagSpecification"]["public.filename-extension"]


def test_macos_is_told_the_same() -> None:
    assert set(plist_endings("UTImportedTypeDeclarations")) == endings(FITS)
    assert set(plist_endings("UTExportedTypeDeclarations")) == endings(SESSION)


def test_windows_is_told_the_same() -> None:
    text = (ROOT / "packaging" / "windows" / "galaxyscope.iss").read_text(encoding="utf-8")
    owner = dict(re.findall(r'Classes\\\.(\w+)"; ValueType: string; ValueData: "\{#(\w+)\}"', text))
    assert {e for e, who in owner.items() if who == "Fits"} == endings(FITS)
    assert {e for e, who in owner.items() if who == "Session"} == endings(SESSION)


@pytest.mark.parametrize(
    "command",
    [
        ["desktop-file-validate", str(ENTRY)],
        ["appstreamcli", "validate", "--no-net", str(METAINFO)],
    ],
    ids=lambda command: command[0],
)
def test_the_validators_agree(command: list[str]) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_mime_database_takes_the_types(tmp_path: Path) -> None:
    if shutil.which("update-mime-database") is None:
        pytest.skip("update-mime-database is not installed")
    (tmp_path / "packages").mkdir()
    shutil.copy(MIME, tmp_path / "packages")
    done = subprocess.run(
        ["update-mime-database", "-n", str(tmp_path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    known = (tmp_path / "globs2").read_text(encoding="utf-8")
    for mime in (FITS, SESSION):
        assert all(f":{mime}:{pattern}\n" in known for pattern in globs(mime))
