"""A desk of the second scenario: people who are logged in at their node and act through its API.

Nothing here knows how a node judges or what a note is made of; what it says comes back as views.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp
import msgspec

from tansiq.clock import Clock
from tansiq.demo.cells import Cell, Person
from tansiq.demo.nodes import Node
from tansiq.demo.story import DeskError
from tansiq.services.accounts.views import AccountView, SessionOpened
from tansiq.services.line.views import LinesView, OutboxView, Threads, ThreadView, WatchView
from tansiq.services.views import Airspace, PlanView

T = TypeVar("T")
PATIENCE_S = 40.0
"""What has not come about by then is a failure of the demo."""
_LOOK_S = 0.05
_PLAN_WAIT_S = 10
_THREADS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a node said instead of doing something."""

    status: int
    detail: str


class _Problem(msgspec.Struct):
    detail: str


@dataclass(slots=True, kw_only=True)
class Desk:
    """One party's desk and whoever sits there."""

    cell: Cell
    node: Node
    clock: Clock
    session: aiohttp.ClientSession
    password: str = field(default_factory=lambda: secrets.token_urlsafe(15))
    """Of all its people, for this one run."""
    person: Person | None = None
    """Who acts; None: this machine."""
    _tokens: dict[str, str] = field(default_factory=dict)

    @property
    def party(self) -> str:
        return self.cell.party

    @property
    def language(self) -> str:
        return self.cell.language

    # ---- people

    async def enrol(self) -> None:
        """Make an account for everybody, and log them all in; the first one acts."""
        for person in self.cell.people:
            said = {
                "name": person.account,
                "display_name": person.name,
                "initials": person.initials,
                "role": "watch",
                "password": self.password,
            }
            await self.ask("POST", "/accounts", AccountView, said)
            login = {"name": person.account, "password": self.password, "kind": "bearer"}
            opened = await self.ask("POST", "/sessions", SessionOpened, login)
            self._tokens[person.account] = opened.token or ""
        self.person = self.cell.people[0]

    # ---- the node

    async def ask(
        self,
        method: str,
        path: str,
        kind: type[T],
        said: object = None,
        query: Mapping[str, Any] | None = None,
    ) -> T:
        """Return the answer to one request.

        Raises:
            DeskError: the node did not answer, or refused.
        """
        status, content = await self._call(method, path, said, query)
        if status >= 400:
            text = content[:500].decode(errors="replace")
            raise DeskError(f"{self.party}: {method} {path}: {status} {text}")
        return msgspec.json.decode(content, type=kind)

    async def refused(self, method: str, path: str, said: object = None) -> Refusal:
        """Return what the node says against a request that it ought to refuse.

        Raises:
            DeskError: it did not refuse.
        """
        status, content = await self._call(method, path, said, None)
        if status < 400:
            raise DeskError(f"{self.party}: {method} {path} ought to be refused: {status}")
        return Refusal(status, msgspec.json.decode(content, type=_Problem).detail)

    async def _call(
        self, method: str, path: str, said: object, query: Mapping[str, Any] | None
    ) -> tuple[int, bytes]:
        token = self.node.token if self.person is None else self._tokens[self.person.account]
        try:
            async with self.session.request(
                method,
                f"{self.node.own_url}/api/v1{path}",
                params={} if query is None else dict(query),
                data=None if said is None else msgspec.json.encode(said),
                headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            ) as response:
                return response.status, await response.read()
        except aiohttp.ClientError as error:
            raise DeskError(f"{self.party}: {method} {path}: {error}") from error

    async def until(self, look: Callable[[], Awaitable[T | None]], what: str) -> T:
        """Look again and again, until there is something to see.

        Raises:
            DeskError: it did not come.
        """
        started_s = self.clock.monotonic_s()
        while True:
            found = await look()
            if found is not None:
                return found
            if self.clock.monotonic_s() - started_s > PATIENCE_S:
                raise DeskError(f"{self.party}: {what} did not come within {PATIENCE_S:.0f} s")
            await self.clock.sleep(_LOOK_S)

    # ---- looking

    async def threads(self, kind: str | None = None) -> tuple[ThreadView, ...]:
        """Return all conversations, the latest last."""
        query: dict[str, Any] = {"last": _THREADS_MAX}
        if kind is not None:
            query["kind"] = kind
        return (await self.ask("GET", "/threads", Threads, query=query)).threads

    async def thread(self, note: str, language: str = "") -> ThreadView:
        """Return one conversation, in the desk's language unless told otherwise."""
        query = {"language": language or self.language}
        return await self.ask("GET", f"/threads/{note}", ThreadView, query=query)

    async def received(self, note: str) -> ThreadView:
        """Return a conversation of the other side once it has come here."""

        async def look() -> ThreadView | None:
            return await self.thread(note) if note in [t.id for t in await self.threads()] else None

        return await self.until(look, f"note {note[:10]}")

    async def reached(self, note: str, *stages: str) -> ThreadView:
        """Return a conversation once it is at one of these stages here."""

        async def look() -> ThreadView | None:
            thread = await self.thread(note)
            return thread if thread.stage in stages else None

        return await self.until(look, f"stage {' or '.join(stages)} of {note[:10]}")

    async def lines(self) -> LinesView:
        """Return all lines, the watch, and every stop in force."""
        return await self.ask("GET", "/line", LinesView)

    async def outbox(self) -> OutboxView:
        """Return what has not arrived."""
        return await self.ask("GET", "/outbox", OutboxView)

    async def airspace(self) -> Airspace:
        """Return what others hold, as far as this node knows."""
        return await self.ask("GET", "/airspace", Airspace)

    async def plan(self, plan_id: str) -> PlanView:
        """Return one plan of ours."""
        return await self.ask("GET", f"/plans/{plan_id}", PlanView)

    # ---- saying

    async def say(self, path: str, said: object = None) -> tuple[ThreadView, ...]:
        """Say something, and return the conversations that it belongs to."""
        return (await self.ask("POST", path, Threads, said)).threads

    async def declare(self, document: object, wait_s: int = _PLAN_WAIT_S) -> PlanView:
        """Declare a plan, and return it once nothing goes on any more."""
        return await self.ask("POST", "/plans", PlanView, document, {"wait_s": wait_s})

    async def take_watch(self, text: str = "") -> WatchView:
        """Take the watch of the desk."""
        return await self.ask("POST", "/watch", WatchView, {"desk": "watch", "text": text})
