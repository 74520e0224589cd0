"""Which other versions of our agreement another node may hold, and still speak with ours."""

from collections.abc import Iterable


class Versions:
    """Digests of the versions before ours, and of those that are waited for.

    Nodes go over one after the other. Meanwhile each reads the other's register, takes back its own
    there, and hands over notes; nothing is placed.
    """

    def __init__(self, past: Iterable[str] = ()) -> None:
        self._past = frozenset(past)
        self._following: frozenset[str] = frozenset()

    def __contains__(self, digest: object) -> bool:
        return digest in self._past or digest in self._following

    def follow(self, following: Iterable[str]) -> None:
        """Note which versions this node is to go over to."""
        self._following = frozenset(following)

    def is_following(self, digest: str) -> bool:
        """Report whether it is one that we are to go over to."""
        return digest in self._following
