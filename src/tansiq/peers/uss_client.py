"""Other managers' details, and our notifications to subscribers, by F3548-21's USS interface."""

from urllib.parse import quote

from tansiq.errors import PeerMalformed, PeerRefused, PeerUnreachable
from tansiq.f3548 import codec, wire
from tansiq.peers.link import Answer, Link
from tansiq.peers.register_client import (
    CONFORMANCE,
    MANAGEMENT,
    PROCESSING,
    STRATEGIC,
    decoded,
    message_of,
)
from tansiq.settings import Limits


class UssClient:
    """Any peer over HTTP; satisfies ``services.planning.ports.PeerPort``."""

    def __init__(self, link: Link, limits: Limits) -> None:
        self._link = link
        self._limits = limits

    async def intent_details(self, base_url: str, intent_id: str) -> wire.OperationalIntent:
        url = _url(base_url, f"operational_intents/{quote(intent_id)}")
        answer = await self._asked(url, STRATEGIC, base_url)
        message = decoded(answer, wire.GetOperationalIntentDetailsResponse, self._limits)
        return message.operational_intent

    async def constraint_details(self, base_url: str, constraint_id: str) -> wire.Constraint:
        url = _url(base_url, f"constraints/{quote(constraint_id)}")
        answer = await self._asked(url, PROCESSING, base_url)
        return decoded(answer, wire.GetConstraintDetailsResponse, self._limits).constraint

    async def intent_telemetry(
        self, base_url: str, intent_id: str
    ) -> wire.GetOperationalIntentTelemetryResponse:
        url = _url(base_url, f"operational_intents/{quote(intent_id)}/telemetry")
        answer = await self._asked(url, CONFORMANCE, base_url)
        return decoded(answer, wire.GetOperationalIntentTelemetryResponse, self._limits)

    async def _asked(self, url: str, scope: str, base_url: str) -> Answer:
        answer = _accepted(await self._link.call("GET", url, scope=scope), base_url)
        # One entity, as long as a notification of it may be; a register's list may be longer.
        if len(answer.body) > self._limits.body_bytes_max:
            raise PeerMalformed(f"details of more than {self._limits.body_bytes_max} bytes")
        return answer

    async def notify(self, base_url: str, kind: str, body: bytes) -> None:
        intents = kind == "intent"
        path = "operational_intents" if intents else "constraints"
        scope = STRATEGIC if intents else MANAGEMENT
        url = _url(base_url, path)
        _accepted(await self._link.call("POST", url, scope=scope, body=body), base_url)

    async def report(self, base_url: str, report: wire.ErrorReport) -> None:
        body = codec.encode(report)
        answer = await self._link.call(
            "POST", _url(base_url, "reports"), scope=STRATEGIC, body=body
        )
        _accepted(answer, base_url)


def _url(base_url: str, path: str) -> str:
    # Appended to a query, the path would be no path, and our request would go wherever the
    # supplier's URL points, a service of this machine for one.
    if "?" in base_url or "#" in base_url:
        raise PeerRefused(f"{base_url} has a query, so nothing was sent to it", status=0)
    return f"{base_url}/uss/v1/{path}"


def _accepted(answer: Answer, base_url: str) -> Answer:
    if answer.status >= 500 or answer.status == 429:
        raise PeerUnreachable(f"{base_url} answered {answer.status}: {message_of(answer)}")
    if answer.status >= 300:
        raise PeerRefused(
            f"{base_url} answered {answer.status}: {message_of(answer)}", status=answer.status
        )
    return answer
