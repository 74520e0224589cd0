"""A register outside the agreement: who we are to it, and what a plan is while we are nobody."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from sky import Side, flying, make_sky, plan
from starlette.responses import Response

from issuing import KEYS, NOON, SECRET, Issuing, TurnedClock, jwk, key_set, soon
from tansiq.cli import doctor_tokens
from tansiq.cli.checks import Check, Verdict
from tansiq.clock import SystemClock
from tansiq.domain.agreement import Register
from tansiq.formats.agreement import load_agreement, render_agreement
from tansiq.services.views import Status
from tansiq.settings import Credential, GrantedCredential, IssuerFile, SignedCredential
from tansiq.storage.store import Tx

pytestmark = pytest.mark.anyio


@dataclass
class Stage:
    """South plans in the register of a node with which it shares no agreement."""

    issuing: Issuing
    dss: Side
    south: Side


@asynccontextmanager
async def stage(folder: Path, *, credential: str, sub: str = "south") -> AsyncIterator[Stage]:
    """``credential`` is granted, signed, or none; an issuer that grants calls us ``sub``."""
    clock = TurnedClock()
    clock.set_ahead = SystemClock().now() - NOON
    issuing = Issuing(clock, sub=sub)
    issuing.keys = key_set(jwk(KEYS[0], "a"))
    dss = make_sky(folder / "a", parties=("dss",), registers=[("dss", True)])
    sky = make_sky(folder / "b", parties=("south",))
    south = sky["south"]
    outside = Register(id="dss", party=None, url=dss["dss"].party.url, foreign=True)
    agreement = replace(load_agreement(south.settings.agreement), registers=(outside,))
    south.settings.agreement.write_bytes(render_agreement(agreement))
    (folder / "uss.pem").write_bytes(
        KEYS[1].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    (folder / "uss.key").write_bytes(
        KEYS[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    (folder / "secret").write_text(SECRET)
    async with issuing.serving():
        dss["dss"].settings = replace(
            dss["dss"].settings,
            issuers=(
                IssuerFile(iss=issuing.iss, jwks=f"{issuing.url}/keys"),
                IssuerFile(iss="south itself", public_key=folder / "uss.pem"),
            ),
        )
        credentials: dict[str, tuple[Credential, ...]] = {
            "granted": (
                GrantedCredential(
                    token_url=f"{issuing.url}/token",
                    client_id="client 7",
                    client_secret=folder / "secret",
                    audience_parameter="audience",
                ),
            ),
            "signed": (SignedCredential(signing_key=folder / "uss.key", iss="south itself"),),
            "none": (),
        }
        south.settings = replace(south.settings, credentials=credentials[credential])
        async with flying(dss), flying(sky):
            node = dss["dss"].up
            await soon(lambda: all(view.keys for view in node.key_sets.views()))
            yield Stage(issuing, dss["dss"], south)


async def managers(on: Stage) -> list[str]:
    """Return whose intents stand in the register."""

    async def read(tx: Tx) -> list[str]:
        return [str(row[0]) for row in await tx.fetch("SELECT manager FROM intent", {})]

    return await on.dss.up.store.read(read)


@pytest.mark.parametrize("credential", ["granted", "signed"])
async def test_a_plan_stands_in_a_register_outside_the_agreement_in_our_partys_name(
    tmp_path: Path, credential: str
) -> None:
    async with stage(tmp_path, credential=credential) as on:
        view = await on.south.declare(plan())
        assert view.status is Status.COORDINATED, view
        assert await managers(on) == ["south"]
        await on.south.up.plans.end(view.id)
        await on.south.until(view.id, lambda v: v.status is Status.ENDED)
        assert await managers(on) == []


async def test_without_a_credential_the_register_says_no_and_the_plan_says_so(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path, credential="none") as on:
        view = await on.south.up.plans.submit(plan())
        shown = await on.south.until(view.id, lambda v: "401" in (v.registers[0].problem or ""))
        assert shown.status is Status.UNCOORDINATED
        assert "no issuer 'south' is known here" in (shown.registers[0].problem or "")


async def test_while_no_token_can_be_had_nothing_is_sent_and_nothing_is_in_doubt(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path, credential="granted") as on:
        on.issuing.token_answer = lambda: Response(b'{"error": "invalid_client"}', 401)
        view = await on.south.up.plans.submit(plan())
        why = "no token for 127.0.0.1"
        shown = await on.south.until(view.id, lambda v: why in (v.registers[0].problem or ""))
        assert "401 (invalid_client)" in (shown.registers[0].problem or "")
        assert shown.registers[0].holds == "nothing"
        assert await managers(on) == []
        # Whether the register could be read before tokens ran out is the machine's affair: the plan
        # waits to be judged, or to be placed, and says why either way.
        assert shown.status in (Status.UNCOORDINATED, Status.PLACING)
        assert (shown.reason or "").startswith("not coordinated: ")

        on.issuing.token_answer = None
        good = await on.south.until(view.id, lambda v: v.status is Status.COORDINATED)
        assert good.registers[0].problem is None


async def test_an_issuer_that_calls_us_otherwise_gets_no_plan_placed(tmp_path: Path) -> None:
    # From the start: a token that was had before would still be good for a moment.
    async with stage(tmp_path, credential="granted", sub="client 7") as on:
        view = await on.south.up.plans.submit(plan())
        why = "names us 'client 7'"
        await on.south.until(view.id, lambda v: why in (v.registers[0].problem or ""))
        assert await managers(on) == []


def asked(on: Stage) -> Check:
    """Return what the doctor says of the register."""
    agreement = load_agreement(on.south.settings.agreement)
    (found,) = doctor_tokens.registers(on.south.settings, agreement, SystemClock())
    return found


@pytest.mark.parametrize("credential", ["granted", "signed", "none"])
async def test_the_doctor_asks_the_register_whether_it_takes_our_token(
    tmp_path: Path, credential: str
) -> None:
    async with stage(tmp_path, credential=credential) as on:
        found = await asyncio.to_thread(asked, on)
        assert found.name == "register dss"
        if credential == "none":
            assert found.verdict is Verdict.FAIL
            assert "answered 401: iss: no issuer 'south' is known here" in found.finding
        else:
            assert (found.verdict, "takes our token" in found.finding) == (Verdict.OK, True)
        await on.dss.stop()
        found = await asyncio.to_thread(asked, on)
        assert (found.verdict, "127.0.0.1" in found.finding) == (Verdict.WARN, True)
