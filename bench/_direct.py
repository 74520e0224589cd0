"""The register's methods without HTTP, behind clients like those of ``_node``."""

from collections.abc import Collection
from typing import Any

import msgspec

from tansiq.clock import SystemClock
from tansiq.f3548 import codec, wire
from tansiq.services.register import (
    STRATEGIC_COORDINATION,
    AirspaceConflict,
    Caller,
    Register,
    Tokens,
)
from tansiq.storage.intents import Intents
from tansiq.storage.store import Store

_BODY_BYTES_MAX = 4_000_000


class Direct:
    """A register over a store, which it closes."""

    def __init__(self, store: Store) -> None:
        tokens = Tokens()
        self.store = store
        self.clock = SystemClock()
        self.register = Register(store, new_id=tokens.new_id, new_ovn=tokens.new_ovn)

    def client(self, uss: str) -> "DirectClient":
        """Return one supplier."""
        return DirectClient(self, uss)

    async def close(self) -> None:
        await self.store.close()


class DirectClient:
    """One supplier; speaks of intents only."""

    def __init__(self, direct: Direct, uss: str) -> None:
        self.uss = uss
        self._direct = direct
        self._caller = Caller(
            id=uss, scopes=frozenset({STRATEGIC_COORDINATION}), area_km2_max=2_500.0
        )

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Call the method that a request would end in; return its status and answer."""
        register, now = self._direct.register, self._direct.clock.now()
        name, *rest = path.split("/")[4:]
        if method == "DELETE":
            return 200, codec.encode(await register.delete_intent(self._caller, name, rest[0], now))
        params = codec.decode(
            body, wire.PutOperationalIntentReferenceParameters, bytes_max=_BODY_BYTES_MAX
        )
        ovn = rest[0] if rest else None
        try:
            answer = await register.put_intent(self._caller, name, ovn, params, now)
        except AirspaceConflict as conflict:
            body_409 = wire.AirspaceConflictResponse(
                message=str(conflict), missing_operational_intents=conflict.intents
            )
            return 409, codec.encode(body_409)
        return 200 if ovn else 201, codec.encode(answer)

    async def ask_json(
        self, method: str, path: str, document: dict[str, Any] | None = None
    ) -> tuple[int, Any]:
        """The same with JSON both ways."""
        body = b"" if document is None else msgspec.json.encode(document)
        status, answer = await self.ask(method, path, body)
        return status, msgspec.json.decode(answer)

    async def versions(self, names: Collection[str]) -> dict[str, str]:
        """Return the OVNs of those that stand, as their managers would tell them."""
        found = await self._direct.store.read(lambda tx: Intents(tx).bare(names))
        return {row.id: row.ovn for row in found}

    def close(self) -> None:
        """Nothing is open."""
