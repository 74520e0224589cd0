"""Reports of trouble with other managers, so that it does not go unnoticed there.

Who answers wrongly is told so (``/uss/v1/reports``). Where a reference leads to silence, the
register that shows it is told (``/dss/v1/reports``): it is for those around it to find out who is
Down. One of a kind an hour for each manager; sent aside, once, and forgotten: planning never waits
for it.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Mapping
from datetime import datetime, timedelta

from tansiq.errors import PeerError, PeerRefused, PeerUnreachable, TansiqError
from tansiq.f3548 import convert, wire
from tansiq.services.planning.ports import PeerPort, RegisterPort
from tansiq.services.planning.records import Reference
from tansiq.services.planning.site import Site

_log = logging.getLogger(__name__)

EVERY = timedelta(hours=1)
MANAGERS_MAX = 1_000
"""Of whom is remembered that they were told; managers come from outside."""
AT_ONCE = 16
"""Reports on their way; further ones are left out, not kept waiting."""
_PROBLEM_CHARS_MAX = 1_000
_WITHHELD = "Authorization: Bearer (withheld)"
"""The standard wants the header named; a token of ours is nobody else's business."""


class Complaints:
    """Sends reports."""

    def __init__(
        self, site: Site, *, peers: PeerPort, registers: Mapping[str, RegisterPort | None]
    ) -> None:
        self._party = site.party
        self._clock = site.clock
        self._peers = peers
        self._registers = registers
        """None for the register in our own node."""
        self._told: OrderedDict[tuple[str, str], datetime] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """Stop; what was not sent is not."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def about(self, register: str, reference: Reference, error: PeerError, begun: datetime) -> None:
        """Report, if that is due, that details of a reference were not to be had."""
        silent = isinstance(error, PeerUnreachable)
        kind = "silent" if silent else "wrong"
        if len(self._tasks) >= AT_ONCE or not self._is_due(reference.manager, kind):
            return
        now = self._clock.now()
        constraint = isinstance(reference, wire.ConstraintReference)
        path = "constraints" if constraint else "operational_intents"
        exchange = wire.ExchangeRecord(
            url=f"{reference.uss_base_url}/uss/v1/{path}/{reference.id}",
            method="GET",
            recorder_role="Client",
            request_time=convert.to_time(begun),
            request_source=self._party,
            headers=(_WITHHELD,),
            response_time=None if silent else convert.to_time(now),
            response_code=_status(error),
            problem=str(error)[:_PROBLEM_CHARS_MAX],
        )
        self._send(register, reference, wire.ErrorReport(exchange=exchange), silent=silent)

    def _is_due(self, manager: str, kind: str) -> bool:
        now = self._clock.now()
        last = self._told.get((manager, kind))
        if last is not None and last <= now < last + EVERY:
            return False
        self._told.pop((manager, kind), None)
        self._told[manager, kind] = now
        if len(self._told) > MANAGERS_MAX:
            self._told.popitem(last=False)
        return True

    def _send(
        self, register: str, reference: Reference, report: wire.ErrorReport, *, silent: bool
    ) -> None:
        if silent:
            port = self._registers[register]
            if port is None:
                return  # We are that register; our people see it on the plan.
            sending = port.report(report)
        else:
            sending = self._peers.report(reference.uss_base_url, report)
        task = asyncio.create_task(_try(sending, reference.manager), name="report")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _try(sending: Awaitable[None], manager: str) -> None:
    try:
        await sending
    except TansiqError as error:
        _log.info("a report about %s was not taken: %s", manager, error)


def _status(error: PeerError) -> int | None:
    if isinstance(error, PeerUnreachable):
        return None
    if isinstance(error, PeerRefused):
        return error.status or None
    return 200
