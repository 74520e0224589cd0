"""What stands on a node's screens when somebody comes in: some of everything."""

from typing import Any

from tests.console.stage import House, LatLng, Stage, callsign, flight, place

CENTRE = LatLng(33.2, 36.6)
_FURNISHED: dict[int, dict[str, Any]] = {}


def furnish(stage: Stage) -> dict[str, Any]:
    """Put some of everything on North's screens, once; return ids of it."""
    if id(stage) not in _FURNISHED:
        _FURNISHED[id(stage)] = _furnish(stage)
    return _FURNISHED[id(stage)]


def _furnish(stage: Stage) -> dict[str, Any]:
    north, south = stage.north, stage.south
    mine, theirs = callsign("N"), callsign("S")
    near = place()
    plan = north.declare(flight(mine, near, after_min=50), who="salma")
    refused = north.declare(flight(callsign("N"), near, after_min=55), notify=False, who="salma")
    south.declare(flight(theirs, place(), after_min=20))
    notice = str(north.notice_of(theirs)["id"])
    north.ask("POST", f"/threads/{notice}/seen", None, "salma")
    area = flight("Depot", place(), after_min=10)
    area["properties"] = {k: v for k, v in area["properties"].items() if k != "callsign"}
    area["properties"]["name"] = "Depot"
    north.call("POST", "/constraints", area, "salma")
    north.ask("POST", "/checks", {"to": []}, "salma")
    said = {"code": "say.stand-by", "parameters": {}, "to": []}
    south.ask("POST", "/messages", said, "noa")
    call = {"to": "north-cell", "text": "As agreed by voice.", "language": "en"}
    south.ask("POST", "/calls", call, "noa")
    ring = {
        "name": callsign("Creek fire"),
        "lat_deg": CENTRE.lat_deg,
        "lng_deg": CENTRE.lng_deg,
        "call_nm": 12,
        "no_entry_nm": 7,
        "area_nm": 5,
    }
    north.ask("POST", "/rings", ring, "salma")
    alarm_test(north)
    fly(north)
    return {"plan": plan["id"], "refused": refused["id"], "notice": notice, "theirs": theirs}


def alarm_test(house: House) -> None:
    house.ask("POST", "/alarm-test", None, (house.cookies and next(iter(house.cookies))) or "")


def fly(house: House) -> None:
    """Let one aircraft be heard of that no plan is known of."""
    house.fly("icao:a1b2c3", CENTRE, 6_000, callsign="HERON1", speed_mps=60.0, track_deg=45.0)
