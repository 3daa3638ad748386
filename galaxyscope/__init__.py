"""GalaxyScope: what networks see in galaxies, and bar lengths that can be trusted.

Importing this package imports nothing else, so that ``galaxyscope --version``
and the first paint of the window stay fast.
"""

__version__ = "0.1.0"
