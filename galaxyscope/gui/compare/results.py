"""What was found and foreseen, by picture, network and what was asked."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from galaxyscope.gui.compare.work import Asked, Compared, Prospect

KEPT_BYTES = 192 * 2**20
Picture = tuple[str, str]
Key = tuple[Picture, str, Asked]


class Results:
    """Finished maps (the newest of them, up to some memory) and prospects.

    Parameters
    ----------
    sha256 : callable
        Hash of a network by its name, empty where its card is not known.

    Attributes
    ----------
    picture : (sha256, plane) or None
        Of what the questions are about.
    """

    def __init__(self, sha256: Callable[[str], str]) -> None:
        self.picture: Picture | None = None
        self._sha256 = sha256
        self._found: OrderedDict[Key, Compared] = OrderedDict()
        self._prospects: dict[Key, Prospect] = {}

    def key(self, one: Asked) -> Key:
        """Under what something about the picture is kept."""
        return (self.picture or ("", ""), self._sha256(one.model), one)

    def found(self, one: Asked) -> Compared | None:
        """Return what came of it, None where it was not tried yet."""
        return self._found.get(self.key(one)) if self.picture is not None else None

    def prospect(self, one: Asked) -> Prospect | None:
        """Return what is known of a map that was made, or that will be."""
        if self.picture is None:
            return None
        key = self.key(one)
        found = self._found.get(key)
        return self._prospects.get(key) if found is None else found.prospect

    def outcome(self, one: Asked) -> Compared | None:
        """Return what came of it, known refusals too."""
        found, prospect = self.found(one), self.prospect(one)
        if found is None and prospect is not None and prospect.verdict == "refused":
            return Compared(prospect)
        return found

    def keep(self, key: Key, found: Compared, least: int) -> None:
        """Keep a result; old ones go when there are too many, but `least` stay."""
        self._found[key] = found
        total = sum(map(_size, self._found.values()))
        while total > KEPT_BYTES and len(self._found) > least:
            total -= _size(self._found.popitem(last=False)[1])

    def foresee(self, key: Key, prospect: Prospect) -> None:
        """Keep what is known of a map before it is made."""
        self._prospects[key] = prospect


def _size(found: Compared) -> int:
    return 0 if found.map is None else 2 * found.map.values.nbytes
