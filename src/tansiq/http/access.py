"""What each route of the own listener asks of whoever calls it: the words, and the check.

A route is a ``GuardedRoute``, which cannot be made without an ``Access``. ``guard.py`` alone
enforces them; ``check_all_guarded`` refuses an application with a route that states none.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tansiq.domain.actor import Actor, FeedScope, Role
from tansiq.errors import Forbidden

ACTOR: Final = "tansiq.actor"
"""Key in a request's scope; ``actor_of`` reads it."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use a route."""

    least: Role | None
    """The least role that may; None: everybody, without showing who they are."""
    scope: FeedScope | None = None
    """Feed tokens of this scope may as well."""

    def check(self, actor: Actor) -> None:
        """Let the actor pass.

        Raises:
            Forbidden: it may not; the sentence names the role that could.
        """
        if self.least is None or (actor.role is not None and actor.role.covers(self.least)):
            return
        if actor.role is None:
            if self.scope is None or self.scope not in actor.scopes:
                opens = ", ".join(sorted(actor.scopes))
                raise Forbidden(f"the feed token {actor.name!r} opens {opens} only", field="role")
            return
        raise Forbidden(
            f"this takes the role {self.least}, and {actor.name} has the role {actor.role}",
            field="role",
        )


OPEN: Final = Access(None)
VIEWER: Final = Access(Role.VIEWER)
WATCH: Final = Access(Role.WATCH)
ADMIN: Final = Access(Role.ADMIN)
METRICS: Final = Access(Role.VIEWER, FeedScope.METRICS)
FEED: Final = Access(Role.VIEWER, FeedScope.FEED)


class GuardedRoute(Route):
    """One method on one path, and who may use it."""

    def __init__(
        self,
        path: str,
        endpoint: Callable[[Request], Awaitable[Response]],
        *,
        method: str,
        access: Access,
        name: str | None = None,
    ) -> None:
        super().__init__(path, endpoint, methods=[method], name=name)
        # Starlette adds HEAD to GET; a HEAD of the feed would hold a reader's place for nothing.
        self.methods = {method}
        self.access = access


def access_of(route: BaseRoute) -> Access | None:
    """Return what a route asks; None where nobody said."""
    access = getattr(route, "access", None)
    return access if isinstance(access, Access) else None


def check_all_guarded(routes: Sequence[BaseRoute]) -> None:
    """Refuse routes of which nobody said who may use them.

    Raises:
        RuntimeError: there is one.
    """
    for route in routes:
        if access_of(route) is None:
            where = getattr(route, "path", repr(route))
            raise RuntimeError(f"{where} does not state the least role that it takes")


def actor_of(request: Request) -> Actor:
    """Return who makes this request.

    Only behind the guard, and not on routes that are open to everybody: nobody is known there.
    """
    actor = request.scope.get(ACTOR)
    assert isinstance(actor, Actor)  # noqa: S101 - the guard put it there
    return actor
