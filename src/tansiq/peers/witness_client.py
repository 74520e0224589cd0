"""Our record shown to other nodes; satisfies ``services.record.cosigning.WitnessPort``."""

from tansiq.domain.agreement import Agreement
from tansiq.errors import PeerMalformed, PeerRefused, PeerUnreachable
from tansiq.peers.link import Answer, Link
from tansiq.peers.register_client import STRATEGIC, message_of

ADD_CHECKPOINT = "/tansiq/v1/add-checkpoint"
HELD = "/tansiq/v1/checkpoint-held"
_BYTES_MAX = 65_535


class WitnessClient:
    """The way to the nodes of the agreement's parties."""

    def __init__(self, link: Link, agreement: Agreement) -> None:
        self._link = link
        self._urls: dict[str, str] = {party.id: party.url for party in agreement.parties}

    async def held(self, party: str) -> bytes | None:
        answer = await self._call("GET", party, HELD, None)
        if answer.status == 404:
            return None
        return _good(party, answer).body

    async def add_checkpoint(self, party: str, body: bytes) -> str | int:
        answer = await self._call("POST", party, ADD_CHECKPOINT, body)
        try:
            text = answer.body.decode()
        except UnicodeDecodeError as error:
            raise PeerMalformed(f"{party} answered what is no text") from error
        if answer.status == 409 and text.strip().isascii() and text.strip().isdigit():
            return int(text.strip()[:18])
        _good(party, answer)
        return text

    async def _call(self, method: str, party: str, path: str, body: bytes | None) -> Answer:
        answer = await self._link.call(method, self._urls[party] + path, scope=STRATEGIC, body=body)
        if answer.status >= 500 or answer.status == 429:
            raise PeerUnreachable(f"{party} answered {answer.status}: {message_of(answer)}")
        if len(answer.body) > _BYTES_MAX:
            raise PeerMalformed(f"{party} answered {len(answer.body):,} bytes")
        return answer


def _good(party: str, answer: Answer) -> Answer:
    if answer.status != 200:
        raise PeerRefused(
            f"{party} answered {answer.status}: {message_of(answer)}", status=answer.status
        )
    return answer
