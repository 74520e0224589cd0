"""Generated requests against a description of an API, and what in the answers breaks it.

The judge is schemathesis; what is ours is a *pilot* that makes half of the requests plausible. Left
to itself, a generator of F3548-21 messages gets 400 nearly always: ids must be UUIDs of version 4,
times must lie ahead, areas must be small, OVNs must be current. Plausible requests get through, so
that the answers of success and of conflict are looked at too.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
TIMEOUT_S = 120.0
POOL = 6
"""Ids that plausible requests share, so that they meet each other."""
_DRAFTS = frozenset({f"/api/v1/{w}{i}" for w in ("plans", "constraints") for i in ("", "/{id}")})
_TIME_KEYS = frozenset({"value", "format"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer that breaks the description."""

    label: str
    status: int
    what: str


@dataclass
class Found:
    """What one run saw."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    findings: dict[Finding, str] = field(default_factory=dict)
    """With the request that shows each."""

    @property
    def statuses(self) -> Counter[int]:
        counted: Counter[int] = Counter()
        for (_, status), count in self.answers.items():
            counted[status] += count
        return counted

    def told(self) -> str:
        return "\n".join(f"{finding}\n{how}" for finding, how in self.findings.items())


class Pilot:
    """Makes requests plausible, from a seed, and remembers what is current."""

    def __init__(self, seed_of_run: int) -> None:
        self._random = Random(seed_of_run)
        self._ids = [str(UUID(int=self._random.getrandbits(128), version=4)) for _ in range(POOL)]
        self._current: dict[str, str] = {}
        self._plans: list[str] = []

    def steer(self, case: schemathesis.Case) -> None:
        """Change the case in place, or leave it as it is."""
        if isinstance((case.query or {}).get("wait_s"), int | float):
            case.query["wait_s"] = min(case.query["wait_s"], 0.5)  # Some wait for what never comes.
        if self._random.random() < 0.5:
            return
        for name in case.path_parameters or {}:
            if name in ("entityid", "subscriptionid"):
                case.path_parameters[name] = self._random.choice(self._ids)
            elif name == "id":
                case.path_parameters[name] = self._random.choice(self._plans or self._ids)
        self._version(case)
        if case.operation.path in _DRAFTS and case.method in ("POST", "PUT"):
            case.body = self._feature(no_go="constraints" in case.operation.path)
        elif isinstance(case.body, dict | list):
            case.body = self._plausible(case.body)

    def _version(self, case: schemathesis.Case) -> None:
        parameters = case.path_parameters or {}
        for name in ("ovn", "version"):
            if name in parameters and self._random.random() < 0.8:
                entity = parameters.get("entityid") or parameters.get("subscriptionid")
                parameters[name] = self._current.get(str(entity), "none")

    def note(self, answer: Any) -> None:
        """Remember the OVN or version that an answer tells, and the plans that there are."""
        if isinstance(answer, dict):
            if isinstance(answer.get("id"), str) and "registers" in answer:
                self._plans = [*self._plans, answer["id"]][-4 * POOL :]
            current = answer.get("ovn") or answer.get("version")
            if isinstance(answer.get("id"), str) and isinstance(current, str):
                self._current[answer["id"]] = current
            for part in answer.values():
                self.note(part)

    def _plausible(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._plausible(part) for part in value[:4]]
        if not isinstance(value, dict):
            return value
        if set(value) >= _TIME_KEYS:
            return self._time(hours=1)
        fixed = {name: self._field(name, part) for name, part in value.items()}
        if "extents" in fixed and "state" in fixed:
            # With a subscription of somebody else, or an unknown one, hardly any write succeeds.
            fixed.pop("subscription_id", None)
        return fixed

    def _field(self, name: str, value: Any) -> Any:
        choose = self._random.choice
        match name:
            case "extents" | "volumes" if isinstance(value, list):
                return [self._volume() for _ in range(choose([1, 1, 2]))]
            case "extents" | "area_of_interest":
                return self._volume()
            case "off_nominal_volumes":
                return []
            case "uss_base_url":
                return "https://uss1.example/v1"
            case "notify_for_operational_intents":
                return True
            case "subscription_id" | "operational_intent_id" | "constraint_id":
                return choose(self._ids)
            case "key":
                return list(self._current.values())
            case "state":
                return choose(["Accepted", "Activated"])
            case _:
                return self._plausible(value)

    def _feature(self, *, no_go: bool) -> dict[str, Any]:
        low_m = self._random.randrange(300, 2_000)
        said = {
            "start": self._time(hours=0.1)["value"],
            "end": self._time(hours=1)["value"],
            "lower": low_m,
            "upper": low_m + 60,
            "datum": "W84",
            "units": "M",
            "radius_m": 300,
            "callsign": f"FUZZ-{low_m}",
        }
        if no_go:
            said["type"] = "constraint"
        places = [round(base + self._random.random() / 5, 6) for base in (10, 50)]
        return {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": places},
            "properties": said,
        }

    def _volume(self) -> dict[str, Any]:
        lat, lng = (round(base + self._random.random() / 20, 6) for base in (50, 10))
        outline: dict[str, Any] = {
            "outline_circle": {
                "center": {"lat": lat, "lng": lng},
                "radius": {"value": self._random.choice([1, 300.5, 2_000]), "units": "M"},
            }
        }
        if self._random.random() < 0.5:
            corners = [(lat, lng), (lat, lng + 0.02), (lat + 0.02, lng + 0.01)]
            vertices = [{"lat": a, "lng": o} for a, o in corners]
            outline = {"outline_polygon": {"vertices": vertices}}
        low_m = self._random.randrange(400)
        return {
            "volume": {
                **outline,
                "altitude_lower": {"value": low_m, "reference": "W84", "units": "M"},
                "altitude_upper": {"value": low_m + 120.5, "reference": "W84", "units": "M"},
            },
            "time_start": self._time(hours=0.1),
            "time_end": self._time(hours=2),
        }

    def _time(self, hours: float) -> dict[str, str]:
        ahead = timedelta(hours=hours, seconds=self._random.randrange(600))
        text = (datetime.now(UTC) + ahead).isoformat().replace("+00:00", "Z")
        return {"value": text, "format": "RFC3339"}


Steer = Callable[[schemathesis.Case], None]


def judge(
    schema: Any,
    *,
    headers: Mapping[str, str],
    examples: int,
    seed_of_run: int,
    steer: Steer | None = None,
    allowed: Mapping[str, frozenset[int]] | None = None,
    besides: frozenset[str] = frozenset(),
) -> Found:
    """Send ``examples`` generated requests to each operation and look at every answer.

    ``allowed`` are statuses that we answer though the description lacks them, by operation;
    ``besides`` operations that are left alone.
    """
    found, pilot = Found(), Pilot(seed_of_run)
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.label in besides:
            continue

        @seed(seed_of_run)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def look(case: schemathesis.Case) -> None:
            label = case.operation.label
            pilot.steer(case)
            if steer is not None:
                steer(case)
            response = case.call(headers=dict(headers), timeout=TIMEOUT_S)
            found.answers[label, response.status_code] += 1
            if "json" in response.headers.get("content-type", [""])[0] and response.content:
                pilot.note(response.json())
            if response.status_code in (allowed or {}).get(label, frozenset()):
                return
            try:
                case.validate_response(response, checks=CHECKS)
            except FailureGroup as group:
                _note(found, label, response.status_code, case, group.exceptions)
            except Failure as failure:
                _note(found, label, response.status_code, case, [failure])

        look()
    return found


def _note(found: Found, label: str, status: int, case: schemathesis.Case, failures: Any) -> None:
    for failure in failures:
        finding = Finding(label, status, failure.title)
        found.findings.setdefault(finding, f"{failure.message}\n{case.as_curl_command()}")
