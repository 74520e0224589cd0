"""The line of a small node whose peer never answers: real services, real store, nobody there."""

from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tansiq.clock import Clock
from tansiq.domain.agreement import NO_MINIMA, Agreement, Party, Register
from tansiq.domain.intent import PartyID
from tansiq.domain.volume import Circle, LatLng
from tansiq.errors import PeerUnreachable
from tansiq.formats.letter import Wire
from tansiq.formats.phrase_book import check_phrase
from tansiq.services.events import Events
from tansiq.services.facade import Constraints, Planning
from tansiq.services.line.line import Line, Tools
from tansiq.services.line.ports import Delivered
from tansiq.services.planning.site import Site
from tansiq.settings import Settings

PARTIES = ("north", "south")


class Silence:
    """Other nodes, none of which answers."""

    async def deliver(self, party: str, letters: Sequence[Wire]) -> list[Delivered]:
        raise PeerUnreachable(f"{party} does not answer")


def make_line(
    events: Events,
    clock: Clock,
    settings: Settings,
    own: tuple[Planning, Constraints],
    new_id: Callable[[], str],
) -> Line:
    """Return north's line to south."""
    keys = {name: Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32)) for name in PARTIES}
    urls = {name: f"https://{name}.example" for name in PARTIES}
    agreement = Agreement(
        name="Test",
        digest="d" * 64,
        parties=tuple(
            Party(
                id=PartyID(name),
                names={"en": name.title()},
                public_key=keys[name].public_key().public_bytes_raw(),
                url=urls[name],
                tls_sha256=b"",
            )
            for name in PARTIES
        ),
        registers=tuple(Register(id=name, party=PartyID(name), url=urls[name]) for name in PARTIES),
        area=Circle(center=LatLng(50.0, 10.0), radius_m=100_000.0),
        area_km2_max=40_000.0,
        minima=NO_MINIMA,
    )
    site = Site(
        agreement=agreement,
        party=PartyID("north"),
        store=events.store,
        clock=clock,
        limits=settings.limits,
        timers=settings.timers,
        new_id=new_id,
    )
    tools = Tools(
        key=keys["north"],
        peers=Silence(),
        salt=bytes,
        clock_error_ms=lambda: 20,
        check_code=check_phrase,
    )
    return Line(site, tools, events, plans=own[0], constraints=own[1])
