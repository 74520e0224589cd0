"""The node at a glance, and the sky as it knows it: for people and programs, read only."""

from collections import Counter
from collections.abc import Callable

import msgspec

from tansiq import __version__
from tansiq.domain.time import zulu
from tansiq.domain.volume import Volumes, altitude_bounds
from tansiq.f3548 import convert
from tansiq.services.airspace import Airspace
from tansiq.services.planning.planner import Planner
from tansiq.services.planning.problem import code_of
from tansiq.services.planning.site import Site
from tansiq.services.planning.status import status_of
from tansiq.services.planning.succession import Succession
from tansiq.services.views import AirspaceEntry, HookView, IssuerView, PeerView, StatusView

_ENCODER = msgspec.json.Encoder()


class Overview:
    """Satisfies ``services.facade.NodeStatus``."""

    def __init__(
        self,
        site: Site,
        *,
        planner: Planner,
        airspace: Airspace,
        issuers: Callable[[], tuple[IssuerView, ...]],
        succession: Succession,
        test_interface: bool = False,
    ) -> None:
        self._agreement = site.agreement
        self._party = site.party
        self._clock = site.clock
        self._planner = planner
        self._airspace = airspace
        self._issuers = issuers
        self._succession = succession
        self.hooks: Callable[[], tuple[HookView, ...]] = tuple
        """Says how the programs fare that are started on events."""
        self.clock_error_s: Callable[[], float | None] = lambda: None
        """Says how wrong our clock may be; None: nobody knows."""
        self._test_interface = test_interface
        self._written: dict[str, tuple[Volumes, msgspec.Raw]] = {}
        """The volumes that were shown last, by entity, and what they are written as."""

    async def status(self) -> StatusView:
        """Return who we are, what we agreed, and how the registers are."""
        peers = tuple(
            PeerView(
                id=place.register.id,
                url=place.register.url,
                reachable=place.reachable,
                problem=None if place.problem is None else str(place.problem),
                problem_code=code_of(place.problem),
                agreement=self._agreement.digest if place.local else None,
            )
            for place in self._planner.places
        )
        plans = Counter(str(status_of(plan.placement)) for plan in self._planner.book.living())
        return StatusView(
            party=self._party,
            version=__version__,
            time=zulu(self._clock.now()),
            agreement=self._agreement.digest,
            agreement_name=self._agreement.name,
            agreement_version=self._agreement.version,
            agreement_next=self._succession.view(),
            peers=peers,
            plans=dict(sorted(plans.items())),
            issuers=self._issuers(),
            test_interface=self._test_interface,
            hooks=self.hooks(),
            clock_error_s=self.clock_error_s(),
        )

    async def airspace(self) -> list[AirspaceEntry]:
        """Return all foreign intents and no-go areas that we know of, in order of start."""
        entries = []
        # Written anew only where they are others: thousands take a tenth of a second.
        before, self._written = self._written, {}
        for known in self._airspace.everything():
            if not known.volumes:
                continue
            written = before.get(known.id)
            if written is None or written[0] is not known.volumes:
                wire = convert.volumes_to_wire(known.volumes)
                written = (known.volumes, msgspec.Raw(_ENCODER.encode(wire)))
            self._written[known.id] = written
            band = altitude_bounds(known.volumes)
            entries.append(
                AirspaceEntry(
                    id=known.id,
                    kind=known.kind,
                    manager=known.manager,
                    name=known.callsign,
                    category=known.category,
                    state=known.state or None,
                    priority=known.priority,
                    registers=self._airspace.registers_of(known.id),
                    time_start=zulu(known.time.start),
                    time_end=zulu(known.time.end),
                    altitude_m_min=band.lower_m,
                    altitude_m_max=band.upper_m,
                    volumes=written[1],
                )
            )
        return entries
