"""Who acts: a person with an account, this machine, or a program that holds a feed token.

A value that travels with the request, so that whatever is written can say who wrote it. How they
show who they are is decided elsewhere (``services/accounts``), and what a role may do stands with
each route (``http/access.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What a person may do; each role may do all that those before it may."""

    VIEWER = "viewer"
    """Read."""
    WATCH = "watch"
    """The work of a desk: plans, no-go areas, what goes to other parties."""
    ADMIN = "admin"
    """Accounts, tokens, settings, the export of the record."""

    def covers(self, least: "Role") -> bool:
        """Report whether this role is as much as ``least``."""
        return _RANK[self] >= _RANK[least]


_RANK: Final[Mapping[Role, int]] = {role: rank for rank, role in enumerate(Role)}


class FeedScope(StrEnum):
    """What a feed token opens: reading, and nothing else."""

    FEED = "feed"
    METRICS = "metrics"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Whoever makes a request."""

    name: str
    """Of the account, of the feed token, or ``this machine``."""
    display_name: str
    initials: str
    """As written on watch; a dash where no person stands behind it."""
    role: Role | None
    """None: a feed token, which has scopes instead."""
    account: str = ""
    """Id of the account; empty where there is none."""
    credential: str = ""
    """Id of the session or feed token; empty for this machine."""
    scopes: frozenset[FeedScope] = frozenset()


THIS_MACHINE: Final = Actor(
    name="this machine", display_name="this machine", initials="-", role=Role.ADMIN
)
"""Who can read the data folder's own token: the machine's administrator."""
