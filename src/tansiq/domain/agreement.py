"""The agreement: the rules that the parties share, as values.

Read from the same bytes on every node (``formats/agreement.py``); ``digest`` is the SHA-256 of
those bytes, and two nodes coordinate only while their digests are equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from tansiq.domain.intent import PartyID
from tansiq.domain.volume import Outline
from tansiq.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Minima:
    """Separation that two plans keep: within all three is a conflict (bounds closed).

    Raises:
        BadInput: negative or not a number.
    """

    horizontal_m: float = 0.0
    vertical_m: float = 0.0
    time: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        if not 0.0 <= self.horizontal_m <= 200_000.0:
            raise BadInput(f"{self.horizontal_m} m is not 0 to 200000", field="horizontal_m")
        if not 0.0 <= self.vertical_m <= 20_000.0:
            raise BadInput(f"{self.vertical_m} m is not 0 to 20000", field="vertical_m")
        if not timedelta(0) <= self.time <= timedelta(days=1):
            raise BadInput(f"{self.time.total_seconds()} s is not 0 to 86400", field="time_s")


NO_MINIMA = Minima()


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One side: its identity, where its node answers, and how that node is recognised."""

    id: PartyID
    names: Mapping[str, str]
    """By language code; ``en`` is always there."""
    public_key: bytes
    """Ed25519, 32 bytes raw."""
    url: str
    """Base URL of the peer-facing listener, without a trailing slash."""
    tls_sha256: bytes
    """SHA-256 of the certificate in DER, 32 bytes; empty for plain http, on loopback only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One place that must accept every plan. Order in the agreement is order of placement."""

    id: str
    party: PartyID | None
    """Whose node holds it; None for a DSS outside the agreement."""
    url: str
    foreign: bool = False
    """Suppliers outside the agreement plan here too: ours stand enlarged by the whole minima."""


class IfUnreachable(StrEnum):
    """What an uncoordinated plan does while a register does not answer."""

    WAIT = "wait"
    LINE = "line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Formation:
    """Aircraft that mean to fly together; pairs of these call signs do not conflict."""

    name: str
    callsigns: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """The rules in force between the parties.

    Raises:
        BadInput: no parties, no registers, or a register of an unknown party.
    """

    name: str
    digest: str
    """SHA-256 of the file's bytes, lower-case hex."""
    parties: tuple[Party, ...]
    registers: tuple[Register, ...]
    area: Outline
    area_km2_max: float
    minima: Minima
    equal_priority_blocks: bool = True
    level_step_m: float = 300.0
    levels_m: tuple[float, float] = (-1_000.0, 20_000.0)
    """Lowest and highest altitude (W84) that an alternative may propose."""
    delay_max: timedelta = timedelta(hours=6)
    """How much later an alternative may propose."""
    if_unreachable: IfUnreachable = IfUnreachable.WAIT
    hold_limit: timedelta = timedelta(seconds=60)
    """How long a half-placed plan is held while a register does not answer."""
    formations: tuple[Formation, ...] = field(default=())

    def __post_init__(self) -> None:
        if not self.parties:
            raise BadInput("an agreement names at least one party", field="parties")
        if not self.registers:
            raise BadInput("an agreement names at least one register", field="registers")
        ids = [party.id for party in self.parties]
        if len(set(ids)) != len(ids):
            raise BadInput("two parties have the same id", field="parties")
        names = [register.id for register in self.registers]
        if len(set(names)) != len(names):
            raise BadInput("two registers have the same id", field="registers")
        for register in self.registers:
            if register.party is not None and register.party not in ids:
                raise BadInput(
                    f"register {register.id} names party {register.party}, which is not there",
                    field="registers",
                )

    def party(self, party_id: str) -> Party | None:
        """Return the party of that id, or None for somebody outside the agreement."""
        return next((party for party in self.parties if party.id == party_id), None)

    @property
    def equals(self) -> frozenset[str]:
        """The parties of whom nobody outside says whether they are Down.

        With several registers each plan stands on the word of all of them; with one, its holder
        decides as the standard has it.
        """
        several = len(self.registers) > 1
        return frozenset(party.id for party in self.parties) if several else frozenset()

    def same_formation(self, a: tuple[str, str], b: tuple[str, str]) -> bool:
        """Report whether two (call sign, formation) pairs mean to fly together.

        Both must name the same formation, and both call signs must stand in its entry: neither
        side can exempt itself from the other alone.
        """
        return any(
            a[1] == b[1] == formation.name
            and a[0] in formation.callsigns
            and b[0] in formation.callsigns
            for formation in self.formations
        )
