"""``python -m galaxyscope``."""

import sys

from galaxyscope.launch import main

if __name__ == "__main__":
    sys.exit(main())
