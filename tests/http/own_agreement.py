"""The agreement of the small node: its view, with a peer that shows what the test says."""

from dataclasses import dataclass, field

from tansiq.errors import PeerUnreachable
from tansiq.services.agreement_shown import AgreementShown, PeerDigests
from tansiq.services.line.line import Line

FILE = 'name = "Test"\n# سلام\n'.encode()


@dataclass
class Showing:
    """Other nodes: each shows a digest, or does not answer."""

    digests: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def digest(self, party: str) -> str:
        self.asked.append(party)
        if party not in self.digests:
            raise PeerUnreachable(f"{party} does not answer")
        return self.digests[party]


def make_agreement(line: Line, peers: Showing | None = None) -> AgreementShown:
    """Return the agreement that a line is under."""
    site = line._site
    digests = PeerDigests(site, peers or Showing())
    return AgreementShown(site, file=FILE, digests=digests, following=lambda: None, versions=tuple)
