"""The small scenario that ships with Tansiq, for where the recorded flights cannot be had.

A tanker and a lead plane that fly one drop run together, two drones that want the same air, and a
no-go area over a ground crew in the tanker's way. Invented; the files are plain GeoJSON plans.
"""

from datetime import datetime
from importlib import resources

from tansiq.demo.scenario import PARTIES, Scenario, Sortie, shifted
from tansiq.domain.agreement import Formation
from tansiq.domain.volume import LatLng, Polygon
from tansiq.formats.plans import read_airspace

_AREA = Polygon(
    vertices=(
        LatLng(38.4, -123.1),
        LatLng(38.4, -122.4),
        LatLng(39.0, -122.4),
        LatLng(39.0, -123.1),
    )
)


def small(now: datetime) -> Scenario:
    """Return the scenario, moved so that its first flight is ahead of now."""
    sorties = [
        Sortie(party=party, draft=draft)
        for party in PARTIES
        for draft in read_airspace(_file(party), name=f"small_{party}.geojson")
    ]
    return shifted(
        Scenario(
            title="a valley fire, invented: a lead plane, a tanker, two drones, a no-go area",
            sorties=tuple(sortie for sortie in sorties if not sortie.draft.constraint),
            no_go=tuple(sortie for sortie in sorties if sortie.draft.constraint),
            dated="in its files",
            area=_AREA,
            formations=(Formation(name="drop run", callsigns=frozenset({"LEAD-1", "TANKER-7"})),),
        ),
        now=now,
    )


def _file(party: str) -> bytes:
    return (resources.files("tansiq.demo") / f"small_{party}.geojson").read_bytes()
