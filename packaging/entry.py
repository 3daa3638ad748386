"""What the frozen programs of Windows and macOS start with."""

import multiprocessing
import sys

from galaxyscope.launch import main

if __name__ == "__main__":
    multiprocessing.freeze_support()
    sys.exit(main())
