"""A made-up day in the sky, answered as a node's own API answers it, with a built console.

Volumes are still, aircraft fly straight on and come round again, so any moment of the day can be
reckoned from its time alone: what the history shows is what the live picture showed then.
"""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any
from zlib import crc32

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tansiq.http.console import read_console

US, THEM = "South", "North"
MIDDLE = (34.0, 36.5)
SPAN_DEG = 1.6
"""Half of the square that everything is in."""
STEP_S = 10.0
KM_DEG = 1 / 111.2
NIL = "00000000-0000-0000-0000-000000000000"
PAGE_MAX = 12

Json = dict[str, Any]


def text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def identity(kind: int, number: int) -> str:
    return f"{kind:08x}-0000-4000-8000-{number:012x}"


class Sky:
    """Volumes, aircraft and alarms, from a seed."""

    def __init__(self, begun: datetime, volumes: int, tracks: int, seed: int = 7) -> None:
        self.begun = begun
        random = Random(seed)
        self.plans: list[Json] = []
        self.airspace: list[Json] = []
        self.constraints: list[Json] = []
        made = number = 0
        while made < volumes:
            number += 1
            count = min(random.choice((1, 1, 2, 4, 6)), volumes - made)
            made += count
            self._area(random, number, count)
        self.flights = [self._flight(random, i) for i in range(tracks)]

    def _area(self, random: Random, number: int, count: int) -> None:
        start = self.begun + timedelta(minutes=random.uniform(-24 * 60, 23 * 60))
        lat = MIDDLE[0] + random.uniform(-SPAN_DEG, SPAN_DEG)
        lng = MIDDLE[1] + random.uniform(-SPAN_DEG, SPAN_DEG) * 1.2
        low = round(random.uniform(100, 4_000))
        heading = random.uniform(0, 2 * math.pi)
        volumes = []
        at = start
        for _ in range(count):
            end = at + timedelta(minutes=random.uniform(12, 70))
            lat += math.cos(heading) * 0.05
            lng += math.sin(heading) * 0.06
            volumes.append(_volume(random, (lat, lng), (low, low + 300), (at, end)))
            at = end - timedelta(minutes=3)
        body: Json = {
            "id": identity(1, number),
            "time_start": text(start),
            "time_end": text(at + timedelta(minutes=3)),
            "altitude_m_min": low,
            "altitude_m_max": low + 300,
            "volumes": volumes,
            "priority": 0,
            "category": "light",
        }
        state = "Activated" if start < self.begun else "Accepted"
        if number % 23 == 0:
            rest = {"kind": "constraint", "manager": THEM, "name": f"R-{number}", "state": None}
            self.airspace.append(body | rest | {"registers": [THEM]})
        elif number % 3 == 0:
            self.plans.append(
                body
                | {
                    "intent_id": identity(2, number),
                    "party": US,
                    "callsign": f"SOUTH-{number}",
                    "formation": "",
                    "state": state,
                    "status": "coordinated",
                    "coordinated": True,
                    "registers": [],
                    "reason": None,
                    "blockers": [],
                    "alternatives": [],
                    "theirs": [],
                    "no_slot": None,
                    "not_reached": [],
                    "off_nominal_volumes": [],
                    "warnings": [],
                    "stated": [],
                    "updated": text(self.begun),
                }
            )
        else:
            if number % 97 == 1:
                state = "Nonconforming"
            rest = {"kind": "intent", "manager": THEM, "name": f"NORTH-{number}", "state": state}
            self.airspace.append(body | rest | {"registers": [THEM]})

    def _flight(self, random: Random, number: int) -> Json:
        return {
            "number": number,
            "lat": random.uniform(-SPAN_DEG, SPAN_DEG),
            "lng": random.uniform(-SPAN_DEG, SPAN_DEG),
            "speed": random.uniform(40.0, 180.0),
            "track": random.uniform(0.0, 360.0),
            "height": random.uniform(300.0, 6_000.0),
            "climb": random.choice((0.0, 0.0, 3.0, -3.0)),
            "party": random.choice((US, THEM, "", "")),
            "late": random.choice((0.0,) * 17 + (14.0, 22.0, 45.0)),
        }

    def track(self, flight: Json, moment: datetime) -> Json:
        """Return an aircraft as it is shown at a time."""
        passed = (moment - self.begun).total_seconds()
        way = flight["speed"] * passed / 1000 * KM_DEG
        side = 2 * SPAN_DEG
        lat = (flight["lat"] + way * math.cos(math.radians(flight["track"])) + SPAN_DEG) % side
        lng = (flight["lng"] + way * math.sin(math.radians(flight["track"])) + SPAN_DEG) % side
        age = flight["late"] or 1.0
        number, party = flight["number"], flight["party"]
        return {
            "id": identity(3, number),
            "address": f"icao:{number:06x}",
            "callsign": f"{(party or 'UNK')[:3].upper()}{number:03}",
            "feed": "bench",
            "time": text(moment - timedelta(seconds=age)),
            "age_s": age,
            "staleness": "fresh" if age < 10 else "ageing" if age < 30 else "stale",
            "lat_deg": round(MIDDLE[0] - SPAN_DEG + lat, 6),
            "lng_deg": round(MIDDLE[1] - SPAN_DEG + lng, 6),
            "horizontal_error_m": 30.0,
            "height_m": round(flight["height"] + 200 * math.sin(passed / 300 + number), 1),
            "height_error_m": 10.0,
            "pressure_m": round(flight["height"], 1),
            "speed_mps": round(flight["speed"], 1),
            "track_deg": round(flight["track"], 1),
            "climb_mps": flight["climb"],
            "on_ground": False,
            "plan": "",
            "plan_name": "",
            "party": party,
            "may_be": [],
            "conformance": "inside" if party else "unplanned",
            "sentence": "",
            "code": "",
            "also": [],
            "facts": {},
            "level": {0: "warning", 1: "warning", 2: "caution", 3: "caution", 4: "advisory"}.get(
                number, ""
            ),
        }

    def alarms(self, tracks: list[Json], moment: datetime) -> list[Json]:
        """Return three alarms about the first five aircraft, which last for ever."""
        if len(tracks) < 5:
            return []
        one, other = tracks[0], tracks[1]
        meet = {key: (one[key] + other[key]) / 2 for key in ("lat_deg", "lng_deg")}
        return [
            self._alarm(1, "conflict-predicted", (one, other), moment) | meet | {"in_s": 95.0},
            self._alarm(2, "left-volume", (tracks[2],), moment),
            self._alarm(3, "no-plan", (tracks[4],), moment),
        ]

    def _alarm(self, number: int, kind: str, about: tuple[Json, ...], moment: datetime) -> Json:
        level = ("warning", "caution", "advisory")[number - 1]
        names = [each["callsign"] for each in about]
        return {
            "id": identity(4, number),
            "kind": kind,
            "level": level,
            "worst": level,
            "stage": "acknowledged",
            "flashing": False,
            "one": about[0]["id"],
            "other": about[1]["id"] if len(about) > 1 else NIL,
            "names": names,
            "sentence": f"{kind}: {' and '.join(names)}",
            "code": "",
            "also": [],
            "facts": {},
            "raised": text(self.begun - timedelta(minutes=20 * number)),
            "changed": text(moment),
            "cleared": None,
            "acknowledged": text(self.begun),
            "acknowledged_by": "anna",
            "acknowledged_there": [],
            "suppressed_until": None,
            "suppressed_by": None,
            "in_s": None,
            "lat_deg": None,
            "lng_deg": None,
            "ways_out": [],
            "not_told": [],
            "nuisance": False,
        }

    def rings(self) -> list[Json]:
        radii = (("call", 22_224.0), ("no-entry", 12_964.0))
        return [
            {
                "id": identity(5, number),
                "name": "Creek fire",
                "kind": kind,
                "lat_deg": MIDDLE[0] + 0.4,
                "lng_deg": MIDDLE[1] - 0.5,
                "radius_m": radius,
                "until": text(self.begun + timedelta(hours=12)),
            }
            for number, (kind, radius) in enumerate(radii)
        ]

    def sightings(self) -> list[Json]:
        return [
            {
                "id": identity(6, 1),
                "lat_deg": MIDDLE[0] - 0.4,
                "lng_deg": MIDDLE[1] + 0.5,
                "radius_m": 900.0,
                "time": text(self.begun),
                "until": text(self.begun + timedelta(hours=2)),
                "words": "seen from the ridge",
            }
        ]

    def picture(self, moment: datetime) -> Json:
        tracks = [self.track(each, moment) for each in self.flights]
        return {
            "time": text(moment),
            "replay": False,
            "sentence": "",
            "feeds": [],
            "tracks": tracks,
            "alarms": self.alarms(tracks, moment),
            "rings": self.rings(),
            "nuisances_today": 0,
        }

    # The history

    def number(self, moment: datetime) -> int:
        return math.floor((moment - self.begun).total_seconds() / STEP_S) + 1_000_000

    def when(self, number: int) -> datetime:
        return self.begun + timedelta(seconds=(number - 1_000_000) * STEP_S)

    def slice(self, number: int) -> Json:
        moment = self.when(number)
        shown = self.picture(moment)
        kept = {key: shown[key] for key in ("sentence", "tracks", "alarms", "rings")}
        return kept | {"number": number, "time": text(moment), "picture_time": text(moment)}

    def areas(self, near: datetime) -> list[Json]:
        """Return the areas of half a day around a time, as the history has them."""
        found = []
        for each in (*self.plans, *self.airspace):
            start = datetime.fromisoformat(each["time_start"])
            if not near - timedelta(hours=2) < start < near + timedelta(hours=6):
                continue
            own = "intent_id" in each
            found.append(
                each
                | {
                    "kind": "plan" if own else each["kind"],
                    "own": own,
                    "intent_id": each.get("intent_id", each["id"]),
                    "party": each.get("party", THEM),
                    "name": each.get("callsign") or each.get("name", ""),
                    "status": each.get("status", ""),
                    "coordinated": True,
                    "registers": [THEM],
                    "sentence": "",
                    "off_nominal_volumes": [],
                    "first": 0,
                    "last": None,
                    "since": text(self.begun - timedelta(days=1)),
                    "until": None,
                }
            )
        return found


def _volume(
    random: Random,
    at: tuple[float, float],
    band: tuple[float, float],
    span: tuple[datetime, datetime],
) -> Json:
    volume: Json = {
        "altitude_lower": {"value": band[0], "reference": "W84", "units": "M"},
        "altitude_upper": {"value": band[1], "reference": "W84", "units": "M"},
    }
    if random.random() < 0.3:
        radius = {"value": random.uniform(1_000, 6_000), "units": "M"}
        volume["outline_circle"] = {"center": {"lat": at[0], "lng": at[1]}, "radius": radius}
    else:
        corners, size = random.randint(4, 24), random.uniform(0.03, 0.09)
        volume["outline_polygon"] = {
            "vertices": [
                {
                    "lat": at[0] + size * math.cos(2 * math.pi * i / corners),
                    "lng": at[1] + size * 1.2 * math.sin(2 * math.pi * i / corners),
                }
                for i in range(corners)
            ]
        }
    return {
        "volume": volume,
        "time_start": {"value": text(span[0]), "format": "RFC3339"},
        "time_end": {"value": text(span[1]), "format": "RFC3339"},
    }


class Node:
    """What answers the console."""

    def __init__(self, sky: Sky, dist: Path) -> None:
        self.sky = sky
        self.files = {file.path: file for file in read_console(dist)}
        self.silent = False
        """Streams and answers end: as if the node were gone."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def app(self) -> Starlette:
        me = {
            "name": "anna",
            "display_name": "Anna",
            "initials": "AN",
            "role": "watch",
            "account": identity(9, 1),
            "session": identity(9, 2),
            "csrf_token": "x" * 20,
        }
        watch = {"name": "Anna", "initials": "AN", "since": text(self.sky.begun), "open_items": 0}
        watch |= {"relieved": None, "sheet": None, "desk": "", "text": "", "items": []}
        lines = {"lines": [], "watch": watch, "clock_error_s": 0.02, "stops": []}
        sky = self.sky

        def status() -> Json:
            return {"party": US, "version": "0", "time": text(self.now()), "peers": []} | {
                "agreement": "0" * 64,
                "agreement_name": "bench",
                "agreement_version": 1,
                "plans": {},
                "issuers": [],
                "test_interface": False,
                "agreement_next": None,
                "hooks": [],
                "clock_error_s": 0.02,
            }

        answers: dict[str, Any] = {
            "me": lambda: me,
            "plans": lambda: {"plans": sky.plans},
            "constraints": lambda: {"constraints": sky.constraints},
            "airspace": lambda: {"entries": sky.airspace},
            "threads": lambda: {"threads": []},
            "line": lambda: lines,
            "status": status,
            "outbox": lambda: {"waiting": []},
            "alarms": lambda: {
                "alarms": sky.picture(self.now())["alarms"],
                "raised_today": {},
                "nuisances_today": 0,
            },
            "rings": lambda: {"rings": []},
            "sightings": lambda: {"sightings": sky.sightings()},
            "picture": lambda: sky.picture(self.now()),
            "history": self.history,
        }

        def plain(make: Any) -> Any:
            async def answer(request: Request) -> Response:
                if self.silent:
                    return Response(status_code=503)
                said = JSONResponse(make())
                # As the node does: what others hold is sent again only where it changed.
                said.headers["ETag"] = f'"{crc32(said.body):08x}"'
                if request.headers.get("if-none-match") == said.headers["ETag"]:
                    return Response(status_code=304, headers={"ETag": said.headers["ETag"]})
                return said

            return answer

        routes = [Route(f"/api/v1/{name}", plain(make)) for name, make in answers.items()]
        routes += [
            Route("/healthz", plain(lambda: {"status": "ok"})),
            Route("/api/v1/history/at", self.at),
            Route("/api/v1/history/slices", self.slices),
            Route("/api/v1/watch/stream", self.watch),
            Route("/api/v1/events", self.events),
            Route("/{path:path}", self.file),
        ]
        return Starlette(routes=routes)

    def history(self) -> Json:
        sky = self.sky
        first = sky.begun - timedelta(hours=20)
        gap = sky.begun - timedelta(hours=9)
        return {
            "from": text(first),
            "to": text(self.now()),
            "step_s": STEP_S,
            "slices": 7_000,
            "bytes": 1,
            "gaps": [{"from": text(gap), "to": text(gap + timedelta(hours=1))}],
            "sentence": "",
        }

    async def at(self, request: Request) -> Response:
        moment = datetime.fromisoformat(request.query_params["time"])
        since = moment - (self.sky.begun - timedelta(hours=9))
        if timedelta(0) < since < timedelta(hours=1):
            return JSONResponse({"code": "not-found", "detail": "nothing kept"}, 404)
        number = self.sky.number(moment)
        found = {"age_s": 0.0, "slice": self.sky.slice(number), "areas": self.sky.areas(moment)}
        return JSONResponse(found)

    async def slices(self, request: Request) -> Response:
        since = datetime.fromisoformat(request.query_params["from"])
        until = datetime.fromisoformat(request.query_params["to"])
        every = max(STEP_S, float(request.query_params.get("every_s", STEP_S)))
        found: list[Json] = []
        moment = since
        while moment <= until and len(found) < PAGE_MAX:
            number = self.sky.number(moment) + 1
            if self.sky.when(number) > min(until, self.now()):
                break
            if not found or number > found[-1]["number"]:
                found.append(self.sky.slice(number))
            moment += timedelta(seconds=every)
        rest = text(moment) if moment <= until and len(found) == PAGE_MAX else None
        areas = self.sky.areas(since)
        return JSONResponse({"slices": found, "areas": areas, "next": rest})

    async def watch(self, _: Request) -> Response:
        async def told() -> AsyncIterator[str]:
            while not self.silent:
                body = json.dumps(self.sky.picture(self.now()), separators=(",", ":"))
                yield f"event: watch\ndata: {body}\n\n"
                await asyncio.sleep(1.0)

        return StreamingResponse(told(), media_type="text/event-stream")

    async def events(self, _: Request) -> Response:
        async def told() -> AsyncIterator[str]:
            yield 'id: 1\nevent: start\ndata: {"seq":1}\n\n'
            while not self.silent:
                await asyncio.sleep(5.0)
                yield ": still here\n\n"

        return StreamingResponse(told(), media_type="text/event-stream")

    async def file(self, request: Request) -> Response:
        found = self.files.get(request.path_params["path"] or "index.html")
        return await found.answer(request) if found else Response(status_code=404)


@contextmanager
def serving(node: Node) -> Iterator[str]:
    """Serve on a free port of this machine, and return the address."""
    config = uvicorn.Config(node.app(), host="127.0.0.1", port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        node.silent = True
        server.should_exit = True
        server.force_exit = True
        thread.join(10)
