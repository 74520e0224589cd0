"""A no-go area of ours: what is wanted of it, and what each register holds of it."""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from tansiq.domain.pact import Standing, StandingState
from tansiq.domain.time import from_micros
from tansiq.storage.own_constraints import OwnConstraintRow


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """What one register holds: the revision of the last direct 2xx; None: not known or nothing."""

    revision: int | None = None
    ovn: str | None = None
    doubt: bool = False
    """A request was sent and its fate is not known."""


_SLOTS = msgspec.json.Decoder(dict[str, Slot])


@dataclass(frozen=True, slots=True, kw_only=True)
class NoGo:
    """One no-go area of ours as committed."""

    row: OwnConstraintRow
    slots: dict[str, Slot]

    @property
    def everywhere(self) -> bool:
        """Whether every register has confirmed the present revision."""
        return not self.row.ending and all(
            s.revision == self.row.revision and not s.doubt for s in self.slots.values()
        )

    def standing(self, rules: Standing, now: datetime) -> StandingState | None:
        """Whether somebody has to say that it is still wanted; None where it is lifted."""
        if self.row.ending:
            return None
        return rules.state(confirmed=from_micros(self.row.confirmed), now=now)

    @property
    def ended(self) -> bool:
        """Whether it is lifted in every register."""
        return self.row.ending and all(
            s.revision is None and not s.doubt for s in self.slots.values()
        )


def nogo_of(row: OwnConstraintRow) -> NoGo:
    """Return a row with what registers hold."""
    return NoGo(row=row, slots=_SLOTS.decode(row.slots))
