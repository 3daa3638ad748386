"""``python -m galaxyscope.train``: another name of ``galaxyscope train``."""

from __future__ import annotations

import sys

from galaxyscope.launch import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
