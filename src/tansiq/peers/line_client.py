"""Letters to other nodes; satisfies ``services.line.ports.LinePort``."""

from collections.abc import Sequence

import msgspec

from tansiq.domain.agreement import Agreement
from tansiq.domain.note import NoteID
from tansiq.errors import PeerMalformed, PeerRefused, PeerUnreachable, TansiqError
from tansiq.formats.delivery import PATH, Answer, Delivery
from tansiq.formats.letter import Wire, opened
from tansiq.peers.link import Link
from tansiq.peers.register_client import STRATEGIC, decoded, message_of
from tansiq.services.line.ports import Delivered
from tansiq.settings import Limits


class LineClient:
    """The way to the nodes of the agreement's parties."""

    def __init__(self, link: Link, agreement: Agreement, limits: Limits) -> None:
        self._link = link
        self._urls: dict[str, str] = {party.id: party.url for party in agreement.parties}
        self._limits = limits

    async def deliver(self, party: str, letters: Sequence[Wire]) -> list[Delivered]:
        url = self._urls[party]
        body = msgspec.json.encode(Delivery(tuple(letters)))
        answer = await self._link.call("POST", url + PATH, scope=STRATEGIC, body=body)
        if answer.status >= 500 or answer.status == 429:
            raise PeerUnreachable(f"{party} answered {answer.status}: {message_of(answer)}")
        if answer.status != 200:
            raise PeerRefused(
                f"{party} answered {answer.status}: {message_of(answer)}", status=answer.status
            )
        fates = decoded(answer, Answer, self._limits).letters
        if len(fates) > len(letters):
            raise PeerMalformed(f"{party} says something of {len(fates) - len(letters)} too many")
        return [self._delivered(fate.note, fate.receipt, fate.problem) for fate in fates]

    def _delivered(self, note: str, receipt: Wire | None, problem: str | None) -> Delivered:
        if receipt is None:
            return Delivered(note=NoteID(note), problem=problem)
        try:
            return Delivered(note=NoteID(note), receipt=opened(receipt))
        except TansiqError as error:
            return Delivered(note=NoteID(note), problem=f"its receipt cannot be read: {error}")
