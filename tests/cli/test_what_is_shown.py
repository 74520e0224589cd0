"""What commands show of aircraft that strayed, and of what was asked in vain."""

import asyncio
import json

import msgspec
from tests.cli.test_client_commands import Shell, shell
from tests.http.own_world import plan_bytes

from tansiq.cli.show import alternatives, altitude
from tansiq.services.views import Alternative, PlanView

__all__ = ["shell"]


def test_the_altitude_of_an_aircraft_that_strayed_is_not_the_one_that_its_plan_stated(
    shell: Shell,
) -> None:
    told = shell("plan submit --json", shell.file("a", plan_bytes(callsign="OSPREY-2"))).out
    view = msgspec.json.decode(told, type=PlanView)
    assert altitude(view) == "300-600 m AMSL (300-600 m W84)"
    for state in ("Nonconforming", "Contingent"):
        astray = msgspec.structs.replace(view, state=state, altitude_m_max=900.0)
        assert altitude(astray) == "300-900 m W84"


def test_who_follows_the_events_reads_the_warnings(shell: Shell) -> None:
    shell("plan submit", shell.file("a", plan_bytes(callsign="OSPREY-2")))
    plan = json.loads(shell("plan show OSPREY-2 --json").out)
    plan["warnings"] = ["meets HK-12 of South, which is Nonconforming"]
    events, now = shell.node.events, shell.node.api.clock.now()
    body = json.dumps(plan).encode()

    async def warn() -> None:
        await events.store.write(lambda tx: events.append(tx, "plan", plan["id"], body, now))

    asyncio.run(warn())
    line = shell("events").out.splitlines()[-1]
    assert line.endswith("coordinated; WARNING meets HK-12 of South, which is Nonconforming")


def test_what_a_dry_run_offers_names_the_node_where_it_was_named(shell: Shell) -> None:
    shell("plan submit", shell.file("a", plan_bytes(callsign="OSPREY-2")))
    file = shell.file("b", plan_bytes(callsign="HERON-1"))
    data = str(shell.data)
    assert f"submit {file} --take" in shell("plan submit --dry-run", file).out
    named = shell("plan submit --dry-run --data", data, file).out
    assert f"submit {file} --data {data} --take" in named


def test_a_log_set_without_exchanges_says_so_beside_it(shell: Shell) -> None:
    none = shell("log-set --peer nrth")
    assert (none.code, json.loads(none.out)["messages"]) == (0, [])
    assert none.err == "note: no exchange with nrth in that span of time\n"


def test_each_alternative_has_the_command_that_takes_it_and_no_other() -> None:
    found = [
        Alternative(kind="level", delay_s=0, up_m=300.0, sentence="300 m higher"),
        Alternative(kind="level", delay_s=0, up_m=-600.0, sentence="600 m lower"),
        Alternative(
            kind="sideways", delay_s=0, up_m=0.0, north_m=-707.0, east_m=707.0, sentence="aside"
        ),
        Alternative(kind="combined", delay_s=-60, up_m=300.0, sentence="both"),
    ]
    assert alternatives(found, "tansiq plan shift 1") == [
        "300 m higher  tansiq plan shift 1 --up-m 300",
        "600 m lower   tansiq plan shift 1 --up-m -600",
        "aside         tansiq plan shift 1 --north-m -707 --east-m 707",
        "both          tansiq plan shift 1 --delay-s -60 --up-m 300",
    ]
    # With --take the first of a kind is taken: the other is told, and not offered.
    assert alternatives(found, "tansiq plan submit a") == [
        "300 m higher  tansiq plan submit a --take level",
        "600 m lower",
        "aside         tansiq plan submit a --take sideways",
        "both          tansiq plan submit a --take combined",
    ]
