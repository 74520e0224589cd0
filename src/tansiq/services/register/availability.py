"""Availability of suppliers, by the arbiter's word."""

from collections.abc import Callable

from tansiq.errors import BadInput, StateConflict
from tansiq.f3548 import wire
from tansiq.storage.availability import Availability, AvailabilityRow
from tansiq.storage.store import Tx

_BY_NAME = {state.lower(): state for state in wire.UssAvailabilityState}
USS_CHARS_MAX = 1_000


def read_state(text: str) -> wire.UssAvailabilityState:
    """Read a state without regard to case.

    Raises:
        BadInput: there is no such state.
    """
    state = _BY_NAME.get(text.lower())
    if state is None:
        raise BadInput(
            f"{text[:60]!r} is not one of {', '.join(wire.UssAvailabilityState)}",
            field="availability",
        )
    return state


def check_uss(uss: str) -> str:
    """Check a supplier's id from a path.

    Raises:
        BadInput: empty, too long, or with control characters.
    """
    if not uss or len(uss) > USS_CHARS_MAX or not uss.isprintable():
        raise BadInput("the `sub` of the supplier's tokens is wanted", field="uss_id")
    return uss


async def get_availability(tx: Tx, uss: str) -> wire.UssAvailabilityStatusResponse:
    """Return what is known of a supplier; of most nothing is."""
    row = await Availability(tx).get(uss)
    unknown = AvailabilityRow(uss=uss, availability="Unknown", version="")
    return _answer(unknown if row is None else row)


async def set_availability(
    tx: Tx,
    uss: str,
    state: wire.UssAvailabilityState,
    old_version: str,
    new_version: Callable[[], str],
) -> wire.UssAvailabilityStatusResponse:
    """Set a supplier's availability, if nobody changed it since ``old_version``.

    Raises:
        StateConflict: somebody did.
    """
    table = Availability(tx)
    row = await table.get(uss)
    current = "" if row is None else row.version
    if old_version != current:
        raise StateConflict(
            f"the availability of {uss} is no longer at that version; read it again",
            field="old_version",
        )
    new = AvailabilityRow(uss=uss, availability=state, version=new_version())
    await table.put(new)
    return _answer(new)


def _answer(row: AvailabilityRow) -> wire.UssAvailabilityStatusResponse:
    return wire.UssAvailabilityStatusResponse(
        version=row.version,
        status=wire.UssAvailabilityStatus(
            uss=row.uss, availability=wire.UssAvailabilityState(row.availability)
        ),
    )
