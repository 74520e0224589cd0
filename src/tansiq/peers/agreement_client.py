"""Which agreement other nodes hold; satisfies ``services.planning.succession.AgreementPort``."""

import msgspec

from tansiq.domain.agreement import Agreement
from tansiq.errors import PeerMalformed, PeerRefused
from tansiq.peers.link import Link

AGREEMENT_PATH = "/tansiq/v1/agreement"


class _Held(msgspec.Struct, frozen=True):
    agreement: str


class AgreementClient:
    """The way to the nodes of the agreement's parties."""

    def __init__(self, link: Link, agreement: Agreement) -> None:
        self._link = link
        self._urls: dict[str, str] = {party.id: party.url for party in agreement.parties}

    async def digest(self, party: str) -> str:
        answer = await self._link.call("GET", self._urls[party] + AGREEMENT_PATH, scope=None)
        if answer.status != 200:
            raise PeerRefused(f"{party} answered {answer.status}", status=answer.status)
        try:
            return msgspec.json.decode(answer.body, type=_Held).agreement
        except msgspec.DecodeError as error:
            raise PeerMalformed(f"{party} does not say which agreement it holds") from error
