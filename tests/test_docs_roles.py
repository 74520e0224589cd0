"""The tables of roles in docs/accounts.md, held against the routes and the commands."""

import re
from pathlib import Path

import pytest

from tansiq.cli.main import _COMMANDS
from tansiq.domain.actor import Role
from tansiq.http.access import METRICS, OPEN
from tansiq.http.own_table import OPERATIONS

PAGE = (Path(__file__).parents[1] / "docs" / "accounts.md").read_text(encoding="utf-8")

LEAST = {op.name: op.access.least for op in OPERATIONS}

ASKS: dict[str, tuple[str, ...]] = {
    "plan submit": ("submit_plan", "shift_plan"),
    "plan list": ("list_plans",),
    "plan show": ("list_plans", "get_plan"),
    "plan change": ("list_plans", "change_plan"),
    "plan shift": ("list_plans", "shift_plan"),
    "plan activate": ("list_plans", "activate_plan"),
    "plan off-nominal": ("list_plans", "off_nominal_plan"),
    "plan position": ("list_plans", "report_telemetry"),
    "plan end": ("list_plans", "end_plan"),
    "constraint submit": ("submit_constraint",),
    "constraint list": ("list_constraints",),
    "constraint show": ("list_constraints", "get_constraint"),
    "constraint change": ("list_constraints", "change_constraint"),
    "constraint confirm": ("list_constraints", "confirm_constraint"),
    "constraint end": ("list_constraints", "end_constraint"),
    "log export": ("get_bundle",),
    "log compare": ("get_bundle",),
    "log head": ("get_log_head",),
    "log proof": ("get_log_proof",),
    "log-set": ("get_log_set",),
    "sheet day": ("get_day_sheet", "get_day_sheet_pdf"),
    "sheet hand-over": ("get_hand_over_sheet", "get_hand_over_sheet_pdf"),
    "sheet after-action": ("get_after_action_report", "get_after_action_report_pdf"),
    "sheet bundle": ("get_sheet_bundle",),
    "report list": ("list_reports",),
    "report show": ("list_reports", "get_report"),
    "airspace list": ("get_airspace",),
    "airspace telemetry": ("get_airspace", "get_airspace_telemetry"),
    "notice give": ("list_plans", "give_notice"),
    "notice area": ("give_area_notice",),
    "notice list": ("list_threads",),
    "notice show": ("get_thread",),
    "notice seen": ("say_seen",),
    "notice read-back": ("get_thread", "read_back"),
    "notice answer": ("answer_notice",),
    "notice counter": ("counter_notice",),
    "notice accept": ("accept_counter",),
    "notice confirm": ("confirm",),
    "notice withdraw": ("withdraw_notice",),
    "line show": ("get_lines",),
    "line set": ("set_line",),
    "line check": ("send_checks",),
    "line reply": ("reply_check",),
    "line call": ("log_call",),
    "line say": ("say_message",),
    "line incident": ("open_incident",),
    "line review": ("review_incident",),
    "line yields": ("get_yields",),
    "line outbox": ("get_outbox",),
    "stop": ("stop", "stop_area"),
    "all-clear": ("all_clear", "clear_stop"),
    "watch take": ("take_watch",),
    "watch show": ("get_watch",),
    "note export": ("get_letters",),
    "note import": ("take_letters",),
    "track list": ("get_picture",),
    "track bind": ("get_picture", "list_plans", "bind_track"),
    "track free": ("get_picture", "free_track"),
    "alarm list": ("list_alarms",),
    "alarm show": ("get_alarm",),
    "alarm ack": ("acknowledge_alarm",),
    "alarm suppress": ("suppress_alarm",),
    "alarm nuisance": ("mark_nuisance",),
    "alarm test": ("try_alarm",),
    "alarm follow": ("get_events",),
    "ring add": ("draw_rings",),
    "ring list": ("list_rings",),
    "ring admit": ("admit_to_rings",),
    "ring dismiss": ("admit_to_rings",),
    "ring remove": ("remove_rings",),
    "sighting add": ("report_sighting",),
    "sighting list": ("list_sightings",),
    "sighting gone": ("end_sighting",),
    "feed list": ("list_feeds",),
    "feed start": ("run_feed",),
    "feed stop": ("run_feed",),
    "position send": ("send_positions",),
    "events": ("get_events",),
    "login": ("log_in",),
    "logout": ("log_out",),
    "whoami": ("get_me",),
    "account add": ("add_account",),
    "account list": ("list_accounts",),
    "account role": ("list_accounts", "set_role"),
    "account remove": ("list_accounts", "remove_account"),
    "session list": ("list_sessions",),
    "token create": ("add_feed_token",),
    "token list": ("list_feed_tokens",),
    "token revoke": ("list_feed_tokens", "revoke_feed_token"),
}
"""What each command asks of its node."""
BY_WHOSE = {
    "account password": ("get_me", "set_own_password", "set_password"),
    "session revoke": ("list_sessions", "end_session"),
}
"""Commands that take less for what is one's own."""
OFFLINE = {
    "check",
    "arrange",
    "audit",
    "encounters",
    "replay",
    "plan from-track",
    "plan read",
    "phrases",
    "agreement show",
    "agreement verify",
    "agreement diff",
    "log verify",
    "log page",
    "demo",
}
FOLDER = {
    "init",
    "invite",
    "join",
    "pair",
    "agreement sign",
    "agreement adopt",
    "serve",
    "migrate",
    "copy",
    "doctor",
    "backup",
    "restore",
    "bench",
}


def table(mark: str) -> dict[str, str]:
    """Return the rows of the table after a mark."""
    after = PAGE.split(f"<!-- {mark}:")[1].split("\n\n")[1]
    rows = re.findall(r"^\| `([^`]+)` \| (.+) \|$", after, re.MULTILINE)
    assert len(rows) == len({row[0] for row in rows})
    return dict(rows)


def stated(command: str) -> str:
    """Return the role that the documents are to state."""
    if command in OFFLINE:
        return "none"
    if command in FOLDER:
        return "the node's user"
    if command in BY_WHOSE:
        return "viewer for one's own, else admin"
    roles = [LEAST[name] for name in ASKS[command]]
    known = [role for role in roles if role is not None]
    return "none" if not known else str(max(known, key=list(Role).index))


def test_every_route_is_listed_with_its_role() -> None:
    expected = {
        "GET /healthz": OPEN,
        "GET /readyz": OPEN,
        "GET /metrics": METRICS,
    }
    roles = {name: str(access.least or "none") for name, access in expected.items()}
    roles["GET /metrics"] += ", or a feed token `metrics`"
    roles["GET /api/openapi.json"] = "viewer"
    roles["GET /"] = roles["GET /{file}"] = str(OPEN.least or "none")
    for op in OPERATIONS:
        path = op.path.removeprefix("/api/v1")
        scope = f", or a feed token `{op.access.scope}`" if op.access.scope else ""
        roles[f"{op.method} {path}"] = str(op.access.least or "none") + scope
    assert table("routes") == roles


@pytest.mark.parametrize("command", sorted(_COMMANDS))
def test_every_command_is_listed_with_its_role(command: str) -> None:
    listed = table("commands")
    assert listed.get(f"tansiq {command}") == stated(command)


def test_no_command_is_listed_that_is_not_there() -> None:
    assert table("commands").keys() == {f"tansiq {command}" for command in _COMMANDS}


def test_the_roles_are_described_in_their_order() -> None:
    rows = re.findall(r"^\| \*(\w+)\* \|", PAGE, re.MULTILINE)
    assert rows == [str(role) for role in Role]
