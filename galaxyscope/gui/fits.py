"""How methods fit networks, as far as it was tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from galaxyscope.explain.preflight import Fit

Key = tuple[str, str, str]
"""Hash of the network, registry name of the method, text form of the target."""


class Fits:
    """Verdicts by network, method and target.

    Trial runs cost up to half a second, too much for every picture. So a verdict stands for all
    pictures once it was found on one, but for a refusal: the next picture may do better, and
    nothing is refused for what another one lacks. The run itself tries its own picture again.
    """

    def __init__(self) -> None:
        self._found: dict[Key, tuple[str, Fit]] = {}

    def get(self, key: Key, picture: str, exactly: bool = False) -> Fit | None:
        """Return the verdict for a picture, None where it is to be found out.

        Parameters
        ----------
        key : tuple
        picture : str
            Hash of it; empty for a blank one.
        exactly : bool
            Only what was found on this very picture.
        """
        tried, fit = self._found.get(key, ("", None))
        if fit is None or tried == picture:
            return fit
        return None if exactly or fit.verdict == "refused" or not tried else fit

    def last(self, key: Key) -> Fit | None:
        """Return the newest verdict, whatever picture it was found on."""
        return self._found[key][1] if key in self._found else None

    def keep(self, key: Key, picture: str, fit: Fit) -> None:
        """Keep what was found on a picture."""
        self._found[key] = picture, fit
