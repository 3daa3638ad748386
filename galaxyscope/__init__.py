"""GalaxyScope: what networks see in galaxies, and bar lengths that can be trusted.

Importing this package imports nothing of weight, so that ``galaxyscope --version``
and the first paint of the window stay fast.
"""

import os

__version__ = "0.1.0"

# torch reads it when it first needs memory: large tensors lie in huge pages then, where Linux has
# them to give, and a tenth of the time of a network in bfloat16 is not spent on page faults.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
