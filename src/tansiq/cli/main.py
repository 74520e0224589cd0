"""The ``tansiq`` command: finds the command, loads only its module, turns errors into exits.

Exit codes of every command: 0 done (or clear), 1 refused or blocked, 2 bad input, 3 the node or a
peer does not answer, 4 the node cannot read or write its store.
"""

from importlib import import_module

import click

from tansiq import __version__
from tansiq.errors import (
    AgreementMismatch,
    CallerError,
    PeerError,
    StateConflict,
    StoreError,
    TansiqError,
)

_COMMANDS: dict[str, tuple[str, str]] = {
    "check": ("tansiq.cli.check:check", "Judge a plan against an airspace, offline."),
    "arrange": ("tansiq.cli.arrange:arrange", "Find times for a set of plans, offline."),
    "audit": ("tansiq.cli.audit:audit", "Find every conflict within a set of plans, offline."),
    "encounters": (
        "tansiq.cli.encounters:encounters",
        "Find who came near whom in recordings, offline.",
    ),
    "phrases": ("tansiq.cli.phrases:phrases", "List coded messages, in two languages."),
    "replay": ("tansiq.cli.replay:replay", "Fly a recording again through the watch, offline."),
    "plan from-track": (
        "tansiq.cli.from_track:from_track",
        "Turn a recorded track into a plan file.",
    ),
    "plan read": ("tansiq.cli.plan_read:read", "Say what a pasted text means: where, when."),
    "plan submit": ("tansiq.cli.plan:submit", "Declare a plan."),
    "plan list": ("tansiq.cli.plan:list_plans", "List own plans and where they stand."),
    "plan show": ("tansiq.cli.plan:show", "Show one plan: registers, reason, alternatives."),
    "plan change": ("tansiq.cli.plan:change", "Replace a plan's volumes."),
    "plan shift": ("tansiq.cli.plan:shift", "Move a plan in time or level."),
    "plan activate": ("tansiq.cli.plan:activate", "Tell that the flight begins."),
    "plan off-nominal": (
        "tansiq.cli.off_nominal:off_nominal",
        "Tell that the aircraft is not where its plan said.",
    ),
    "plan position": ("tansiq.cli.off_nominal:position", "Report where the aircraft is."),
    "plan end": ("tansiq.cli.plan:end", "End a plan."),
    "constraint submit": ("tansiq.cli.constraint:submit", "Declare a no-go area."),
    "constraint list": ("tansiq.cli.constraint:list_constraints", "List own no-go areas."),
    "constraint show": ("tansiq.cli.constraint:show", "Show one no-go area."),
    "constraint change": ("tansiq.cli.constraint:change", "Replace a no-go area's volumes."),
    "constraint confirm": (
        "tansiq.cli.constraint:confirm_area",
        "Say that a no-go area is still wanted.",
    ),
    "constraint end": ("tansiq.cli.constraint:end", "End a no-go area."),
    "notice give": ("tansiq.cli.notice:give", "Tell other parties of a plan or no-go area."),
    "notice area": ("tansiq.cli.notice:area", "Tell other parties of air to keep out of."),
    "notice list": ("tansiq.cli.notice:list_notices", "List notices and how far each is."),
    "notice show": ("tansiq.cli.notice:show_notice", "Show one conversation."),
    "notice seen": ("tansiq.cli.notice:seen", "Say that a person has seen it."),
    "notice read-back": ("tansiq.cli.notice:read_back", "Say back what was understood."),
    "notice answer": ("tansiq.cli.notice:answer", "Answer a notice."),
    "notice counter": ("tansiq.cli.notice:counter", "Propose a move that would clear it."),
    "notice accept": ("tansiq.cli.notice:accept", "Accept their counter-proposal."),
    "notice confirm": ("tansiq.cli.notice:confirm", "Confirm or dispute what they put down."),
    "notice withdraw": ("tansiq.cli.notice:withdraw", "Take a notice of ours back."),
    "line show": ("tansiq.cli.line:show_lines", "Show every line and what has not arrived."),
    "line set": ("tansiq.cli.line:set_line", "Open, suspend, close the line, or practise."),
    "line check": ("tansiq.cli.line:check", "Send a comm check."),
    "line reply": ("tansiq.cli.line:reply", "Answer a comm check, as a person."),
    "line call": ("tansiq.cli.line:call", "Log a voice call."),
    "line say": ("tansiq.cli.line:message", "Say a coded message."),
    "line incident": ("tansiq.cli.line:incident", "Open an incident."),
    "line review": ("tansiq.cli.line:review", "Answer an incident."),
    "line yields": ("tansiq.cli.line:show_yields", "Show who gave way, and how often."),
    "line outbox": ("tansiq.cli.line:outbox", "Show what has not arrived."),
    "stop": ("tansiq.cli.line:stop", "STOP: everybody keeps out of a block of air, now."),
    "all-clear": ("tansiq.cli.line:all_clear", "Take our stop back."),
    "watch take": ("tansiq.cli.line:take_watch", "Take the watch of our desk."),
    "watch show": ("tansiq.cli.line:show_watch", "Show who sits at our desk."),
    "note export": ("tansiq.cli.note:export", "Write notes as a file, to be carried."),
    "note import": ("tansiq.cli.note:import_notes", "Take notes that somebody carried here."),
    "log export": ("tansiq.cli.log:export", "Export what the record holds, as evidence."),
    "log verify": ("tansiq.cli.log:verify", "Verify such evidence, offline."),
    "log compare": ("tansiq.cli.log:compare", "Compare two records, note by note."),
    "log head": ("tansiq.cli.log:head", "Show what our record comes to."),
    "log proof": ("tansiq.cli.log:proof", "Write the proof that a note is in our record."),
    "log page": ("tansiq.cli.log:page", "Write the page that verifies evidence in a browser."),
    "sheet day": ("tansiq.cli.sheet:day_sheet", "Print the day sheet."),
    "sheet hand-over": ("tansiq.cli.sheet:hand_over", "Print the hand-over sheet."),
    "sheet after-action": ("tansiq.cli.sheet:after_action", "Print the after-action report."),
    "sheet bundle": ("tansiq.cli.sheet:bundle", "Write the evidence that a sheet names."),
    "log-set": ("tansiq.cli.log_set:log_set", "Export what passed between us and others."),
    "report list": ("tansiq.cli.report:list_reports", "List what others reported about us."),
    "report show": ("tansiq.cli.report:show", "Show one such report."),
    "airspace list": ("tansiq.cli.airspace:list_airspace", "List what others hold."),
    "airspace telemetry": (
        "tansiq.cli.airspace:telemetry",
        "Ask where somebody's off-nominal aircraft is.",
    ),
    "track list": ("tansiq.cli.track:list_tracks", "List the aircraft that are heard."),
    "track bind": ("tansiq.cli.track:bind", "Say whose aircraft a track is."),
    "track free": ("tansiq.cli.track:free", "Take that back."),
    "alarm list": ("tansiq.cli.alarm:list_alarms", "List the alarms, the most urgent first."),
    "alarm show": ("tansiq.cli.alarm:show_alarm", "Show one alarm."),
    "alarm ack": ("tansiq.cli.alarm:ack", "Acknowledge alarms: a person has seen them."),
    "alarm suppress": ("tansiq.cli.alarm:suppress", "Keep an alarm silent for some minutes."),
    "alarm nuisance": ("tansiq.cli.alarm:nuisance", "Say that an alarm was for nothing."),
    "alarm test": ("tansiq.cli.alarm:try_alarm", "Raise an alarm to try lamps and sounds."),
    "alarm follow": ("tansiq.cli.alarm:follow", "Follow what becomes of alarms."),
    "ring add": ("tansiq.cli.incident:add_ring", "Draw rings around an incident."),
    "ring list": ("tansiq.cli.incident:list_rings", "List the rings."),
    "ring admit": ("tansiq.cli.incident:admit", "Note that an aircraft was let in."),
    "ring dismiss": ("tansiq.cli.incident:dismiss", "Note that it is not any more."),
    "ring remove": ("tansiq.cli.incident:remove", "Take rings away."),
    "sighting add": ("tansiq.cli.incident:add_sighting", "Report a drone that was seen."),
    "sighting list": ("tansiq.cli.incident:list_sightings", "List such drones."),
    "sighting gone": ("tansiq.cli.incident:gone", "Say that one is gone."),
    "feed list": ("tansiq.cli.positions:list_feeds", "List feeds and how each is doing."),
    "feed start": ("tansiq.cli.positions:start", "Read a feed again."),
    "feed stop": ("tansiq.cli.positions:stop", "Do not read a feed any more."),
    "position send": ("tansiq.cli.positions:send", "Send positions of aircraft."),
    "events": ("tansiq.cli.events:events", "Follow what happens at the node."),
    "login": ("tansiq.cli.login:login", "Log in at a node; later commands act for you."),
    "logout": ("tansiq.cli.login:logout", "Log out again."),
    "whoami": ("tansiq.cli.login:whoami", "Show who the commands act for."),
    "account add": ("tansiq.cli.account:add", "Make an account for a person."),
    "account list": ("tansiq.cli.account:list_accounts", "List the accounts."),
    "account role": ("tansiq.cli.account:role", "Give somebody another role."),
    "account password": ("tansiq.cli.account:password", "Give somebody another password."),
    "account remove": ("tansiq.cli.account:remove", "Remove an account."),
    "session list": ("tansiq.cli.session:list_sessions", "List who is logged in."),
    "session revoke": ("tansiq.cli.session:revoke_session", "End a session."),
    "token create": ("tansiq.cli.session:create_token", "Make a token that only reads."),
    "token list": ("tansiq.cli.session:list_tokens", "List such tokens."),
    "token revoke": ("tansiq.cli.session:revoke_token", "Revoke such a token."),
    "invite": ("tansiq.cli.joining:invite", "Invite another party; makes the folder if needed."),
    "join": ("tansiq.cli.joining:join", "Answer an invitation; makes the folder if needed."),
    "pair": ("tansiq.cli.joining:pair", "Take the answer to an invitation."),
    "agreement show": ("tansiq.cli.agreement:show", "Show the rules, and who has signed them."),
    "agreement sign": ("tansiq.cli.agreement:sign", "Sign the rules with the node's key."),
    "agreement verify": ("tansiq.cli.agreement:verify", "Check signatures under agreements."),
    "agreement diff": ("tansiq.cli.agreement:diff", "Say what a new version changes."),
    "agreement adopt": ("tansiq.cli.adopt:adopt", "Go over to another version."),
    "init": ("tansiq.cli.node:init", "Make a node's folder: keys, certificate, settings."),
    "serve": ("tansiq.cli.serve:serve", "Run the node."),
    "migrate": ("tansiq.cli.migrate:migrate", "Bring a node's database up to date."),
    "copy": ("tansiq.cli.copy_store:copy", "Move a node's store from its file to a database."),
    "doctor": ("tansiq.cli.node:doctor", "Look for what is wrong with a node."),
    "backup": ("tansiq.cli.backup:backup", "Copy a node into a file while it serves."),
    "restore": ("tansiq.cli.restore:restore", "Put a node back from such a file."),
    "bench": ("tansiq.cli.bench:bench", "Measure what your own node carries."),
    "demo": ("tansiq.cli.demo:demo", "Show nodes at work: a day of real flights, or three desks."),
}
"""Where each command lives, and its line in ``--help``: that loads none of them."""

_GROUPS = {
    "plan": "Plans of your own: declare, look, change, end.",
    "constraint": "No-go areas of your own: declare, look, change, end.",
    "airspace": "What others hold, as far as the node knows.",
    "notice": "What we tell other parties of our plans, and their answers.",
    "line": "The line to other desks: state, comm checks, calls, coded messages.",
    "watch": "Who sits at our desk.",
    "track": "Aircraft that are heard, and whose they are.",
    "alarm": "What the watch has found: look, acknowledge, follow.",
    "ring": "Rings around incidents: who comes in, calls first.",
    "sighting": "Drones that somebody has seen.",
    "feed": "Where live positions come from.",
    "position": "Positions that programs of your own send.",
    "note": "Notes carried by hand where no network reaches.",
    "log": "The record as evidence: export, verify, compare.",
    "sheet": "Sheets to be printed: of a day, of a hand-over, after an incident.",
    "agreement": "The rules between the parties: read, sign, verify, compare.",
    "report": "Reports of trouble that others filed with us.",
    "account": "People who may use the node: add, list, change, remove.",
    "session": "Who is logged in, and how that ends.",
    "token": "Tokens for programs that only read.",
}

_EXITS: tuple[tuple[type[TansiqError], int], ...] = (
    (CallerError, 2),
    (AgreementMismatch, 1),
    (StateConflict, 1),
    (PeerError, 3),
    (StoreError, 4),
)

_HELP = """Plan flights so that they keep clear of each other, with people you need not trust.

A plan is a set of volumes: an outline, a band of altitude, a span of time. Files are GeoJSON or
F3548-21 JSON; docs/plan-files.md shows both.

\b
  tansiq check plan.geojson airspace.geojson --horizontal-m 1000 --vertical-m 150 --time-s 60
  tansiq plan from-track flight.csv --units ft --datum AMSL --output plan.geojson
  tansiq demo

To run a node, start with: tansiq invite --help, or tansiq init --help
"""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, not when they are listed."""

    def __init__(self, *, prefix: str = "", **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type] # Click's own options.
        self._prefix = prefix

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except TansiqError as error:
            click.echo(f"error: {error}", err=True)
            raise click.exceptions.Exit(exit_code(error)) from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        # In the order of the table: the way through the work, not the alphabet.
        names = (path.removeprefix(self._prefix) for path in _COMMANDS if self._holds(path))
        return list(dict.fromkeys(name.partition(" ")[0] for name in names))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        path = self._prefix + cmd_name
        if path in _GROUPS:
            return LazyGroup(prefix=f"{path} ", name=cmd_name, help=_GROUPS[path])
        if path not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[path][0].partition(":")
        try:
            command: click.Command = getattr(import_module(module), name)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
            raise click.ClickException(f"{path} is not part of this version") from error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [
            (name, _GROUPS.get(name) or _COMMANDS[self._prefix + name][1])
            for name in self.list_commands(ctx)
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def _holds(self, path: str) -> bool:
        return path.startswith(self._prefix)


@click.group(cls=LazyGroup, help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tansiq")
def cli() -> None:
    """Hold the commands; what people read is ``_HELP``."""


def exit_code(error: TansiqError) -> int:
    """Return the exit code that an error ends a command with."""
    return next((code for kind, code in _EXITS if isinstance(error, kind)), 1)


def main() -> None:
    """Run the command line and exit."""
    cli.main(prog_name="tansiq")
