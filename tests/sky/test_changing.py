"""Files that change or vanish while they are read: a picture with its own hash, or a sentence."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from galaxyscope.sky.image import ImageError
from galaxyscope.sky.readers import open_image, source


def written(path: Path, value: int, side: int = 200) -> bytes:
    """A picture whose every pixel has one value, as bytes."""
    values = np.full((side, side), value, np.uint8)
    if path.suffix == ".png":
        Image.fromarray(values).save(path)
    else:
        fits.PrimaryHDU(values.astype(np.int16)).writeto(path, overwrite=True)
    return path.read_bytes()


@pytest.mark.parametrize("suffix", [".fits", ".png"])
def test_pixels_and_hash_belong_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """The hash was that of the new bytes, the pixels those of the old ones."""
    path = tmp_path / f"a{suffix}"
    new = written(path, 9)
    written(path, 5)
    digest = hashlib.file_digest

    def changed(file: object, name: str) -> object:
        with path.open("r+b") as same:  # in place, as programs do that save
            same.write(new)
            same.truncate(len(new))
        os.utime(path, ns=(1, 1))  # even where the clock is coarse
        return digest(file, name)  # type: ignore[arg-type]

    monkeypatch.setattr(source.hashlib, "file_digest", changed)
    with pytest.raises(ImageError, match="changed while it was read"):
        open_image(path)


@pytest.mark.parametrize("suffix", [".fits", ".png"])
def test_a_file_that_is_rewritten_again_and_again(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    other = tmp_path / f"b{suffix}"
    contents = [written(path, 1), written(path, 2), b"", written(path, 3)[:3000]]
    known = {hashlib.sha256(content).hexdigest(): n + 1 for n, content in enumerate(contents[:2])}
    stop = threading.Event()

    def rewrite() -> None:
        n = 0
        while not stop.is_set():
            n += 1
            content = contents[n % 4]
            if n % 3 == 0:  # taken away and brought back
                path.unlink(missing_ok=True)
                other.write_bytes(content)
                other.replace(path)
            else:
                path.write_bytes(content)

    thread = threading.Thread(target=rewrite)
    thread.start()
    try:
        read, said = 0, []
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            try:
                image = open_image(path)
            except ImageError as error:
                said.append(str(error))
            else:
                if image.sha256 in known:
                    assert set(np.unique(image.data)) == {known[image.sha256]}
                read += 1
    finally:
        stop.set()
        thread.join()
    assert read + len(said) > 5
    assert all(text.startswith(path.name) and "\n" not in text for text in said)
