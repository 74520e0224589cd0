"""A pool of somebody else's: a register outside the agreement, and parties who plan in it.

The register is a node of another agreement, to which our parties are suppliers like any other: they
show it RS256 tokens of the issuer that the outsider's are from too.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from outsider import ISSUER, Outsider, outside
from sky import Side, Sky, flying, make_sky

from tansiq.clock import Clock
from tansiq.domain.agreement import Register
from tansiq.domain.volume import LatLng, Outline, Polygon, Volumes
from tansiq.f3548 import convert, wire
from tansiq.formats.agreement import load_agreement, render_agreement
from tansiq.settings import Limits, SignedCredential

VALLEY = Polygon(
    vertices=(
        LatLng(38.9, -121.2),
        LatLng(38.9, -120.8),
        LatLng(39.1, -120.8),
        LatLng(39.1, -121.2),
    )
)
"""Small enough for one search anywhere: 770 km2."""


@asynccontextmanager
async def pooled(
    folder: Path,
    *,
    parties: Sequence[str] = ("north",),
    area: Outline = VALLEY,
    theirs: Limits | None = None,
    clock: Clock | None = None,
    **how: Any,
) -> AsyncIterator[tuple[Sky, Outsider]]:
    """Run the parties, the register ``dss`` that all use, and an outsider, who plans there too.

    ``theirs`` are the register's limits, ``clock`` everybody's.
    """
    ours = make_sky(folder / "ours", parties=parties, **how)
    dss = make_sky(folder / "dss", parties=("dss",), registers=[("dss", True)])["dss"]
    if theirs is not None:
        dss.settings = replace(dss.settings, limits=theirs)
    sky = Sky(folder, {"dss": dss, **ours.sides})
    for side in sky.sides.values():
        side.clock = clock
    there = Register(id="pool", party=None, url=dss.party.url, foreign=True)
    drawn = load_agreement(ours[parties[0]].settings.agreement)
    agreement = replace(drawn, registers=(there,), area=area, digest="")
    for party in parties:
        ours[party].settings.agreement.write_bytes(render_agreement(agreement))
    async with outside(sky) as outsider:
        pem = folder / "signing.pem"
        pem.write_bytes(
            outsider.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        pem.chmod(0o600)
        for party in parties:
            credential = SignedCredential(signing_key=pem, iss=ISSUER)
            ours[party].settings = replace(ours[party].settings, credentials=(credential,))
        async with flying(sky):
            yield sky, outsider


async def mark(outsider: Outsider, holder: Side, availability: str, uss: str = "drones") -> None:
    """Set a supplier's availability in a register, as the arbiter."""
    url = f"{holder.party.url}/dss/v1/uss_availability/{uss}"
    version = (await outsider.ask("GET", url)).json()["version"]
    body = msgspec.json.encode({"old_version": version, "availability": availability})
    answer = await outsider.ask("PUT", url, body)
    assert answer.status_code == 200, answer.text


async def become(
    outsider: Outsider,
    holder: Side,
    entity: str,
    state: str,
    volumes: Volumes,
    off_nominal: Volumes = (),
) -> dict[str, Any]:
    """Write an outsider's intent anew, in a state and with volumes; return what it now serves."""
    old = outsider.details[entity]["operational_intent"]
    key: tuple[str, ...] = ()
    for _ in range(4):
        parameters = wire.PutOperationalIntentReferenceParameters(
            extents=convert.volumes_to_wire(volumes + off_nominal),
            key=key,
            state=state,  # type: ignore[arg-type]
            uss_base_url=outsider.url,
            new_subscription=wire.ImplicitSubscriptionParameters(uss_base_url=outsider.url),
        )
        path = f"operational_intent_references/{entity}/{old['reference']['ovn']}"
        answer = await outsider.ask("PUT", f"{holder.party.url}/dss/v1/{path}", parameters)
        if answer.status_code != 409:
            break
        missing = answer.json()["missing_operational_intents"]
        key += tuple([await outsider._ovn(reference) for reference in missing])
    assert answer.status_code == 200, answer.text
    details: dict[str, Any] = {"priority": old["details"]["priority"]}
    for name, found in (("volumes", volumes), ("off_nominal_volumes", off_nominal)):
        details[name] = msgspec.to_builtins(convert.volumes_to_wire(found))
    reference = answer.json()["operational_intent_reference"]
    outsider.subscribers = answer.json()["subscribers"]
    served = {"operational_intent": {"reference": reference, "details": details}}
    outsider.details[entity] = served
    return served
