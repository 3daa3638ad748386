"""Names of the algorithms; what they do is told by `galaxyscope.measure.bars.BarSettings`."""

from __future__ import annotations

#: Algorithms that need the light of the galaxy beside the map.
FOLLOW_LIGHT = ("consensus", "joint", "phase")
ALGORITHMS = (*FOLLOW_LIGHT, "invariant", "published")
#: What agrees best with people on real galaxies, see docs/bar-lengths.md.
DEFAULT_ALGORITHM = "consensus"
