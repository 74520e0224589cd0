"""``tansiq login``, ``account``, ``session``, ``token``, against the own API on a real socket."""

import io
import json
import stat

import pytest
from tests.cli.test_client_commands import Ran, Shell, shell
from tests.http.own_world import TOKEN, plan_bytes

from tansiq.cli.login import read_password
from tansiq.cli.ways import login_file
from tansiq.errors import BadInput

__all__ = ["shell"]

ANNA, BEN = "correct horse battery", "staple of the desk"


def typed(shell: Shell, line: str, *passwords: str) -> Ran:
    """Run a command that reads passwords from standard input."""
    shell.patch.setattr("sys.stdin", io.StringIO("".join(f"{one}\n" for one in passwords)))
    return shell(line)


def add(shell: Shell, name: str, role: str, password: str = ANNA) -> None:
    made = typed(shell, f"account add {name} --role {role}", password)
    assert made.code == 0, made.err


def test_a_watch_floor_from_its_first_account_to_its_last(shell: Shell) -> None:
    assert shell("whoami").out == "this machine, admin\n"
    assert shell("account list").out == "no accounts\n"
    made = typed(shell, "account add anna --role admin --display-name Anna --initials AL", ANNA)
    assert (made.code, made.out.split()[:4]) == (0, ["anna", "AL", "admin", "Anna"])
    assert "by this machine" in made.out
    add(shell, "ben", "watch", BEN)

    logged = typed(shell, "login ben", BEN)
    assert (logged.code, logged.out.startswith("ben (BEN), watch, until ")) == (0, True), logged.err
    assert shell("whoami").out == "ben: ben (BEN), watch\n"
    assert json.loads(shell("whoami --json").out)["role"] == "watch"
    assert shell("plan submit", shell.file("a.geojson", plan_bytes())).code == 0
    refused = shell("account list")
    assert refused.code == 2
    assert "this takes the role admin, and ben has the role watch" in refused.err
    assert "ask an admin" in refused.err

    (line,) = shell("session list").out.splitlines()
    assert line.split()[1:3] == ["ben", "bearer"]
    assert line.endswith("this one")
    assert shell("logout").out == "ben is logged out\n"
    assert shell("whoami").out == "this machine, admin\n"
    assert shell("session list").out == "no sessions\n"
    assert shell("logout").code == 2

    assert typed(shell, "login anna", ANNA).code == 0
    assert shell("account role ben viewer").code == 0
    assert "would remove ben" in shell("account remove ben --dry-run").out
    assert shell("account remove ben --yes").out == "ben is removed; 0 sessions ended\n"
    last = shell("account remove anna --yes")
    assert (last.code, "the last admin" in last.err) == (1, True)
    assert len(json.loads(shell("account list --json").out)["accounts"]) == 1


def test_the_token_is_in_a_file_of_its_users_alone(shell: Shell) -> None:
    add(shell, "anna", "admin")
    logged = typed(shell, "login anna --json", ANNA)
    file = login_file(shell.data)
    assert json.loads(logged.out)["token"] is None
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert file.is_relative_to(shell.data / "config")
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]
    token = json.loads(file.read_text())["token"]
    assert token not in logged.out + logged.err

    file.chmod(0o644)
    ran = shell("plan list")
    assert (ran.code, "others may read it" in ran.err) == (2, True)
    file.chmod(0o600)
    file.write_text("{}")
    ran = shell("plan list")
    assert (ran.code, "holds no login" in ran.err) == (2, True)


def test_a_token_that_is_given_comes_before_a_login_and_that_before_the_machine(
    shell: Shell,
) -> None:
    add(shell, "anna", "viewer")
    typed(shell, "login anna", ANNA)
    assert shell("whoami").out.startswith("anna:")
    shell.patch.setenv("TANSIQ_TOKEN", TOKEN)
    assert shell("whoami").out == "this machine, admin\n"
    shell.patch.setenv("TANSIQ_TOKEN", "wrong")
    ran = shell("whoami")
    assert (ran.code, "TANSIQ_TOKEN" in ran.err) == (2, True)
    shell.patch.delenv("TANSIQ_TOKEN")
    shell("logout")
    assert shell("whoami").out == "this machine, admin\n"


def test_who_may_not_look_into_the_folder_logs_in_by_the_port(shell: Shell) -> None:
    add(shell, "anna", "viewer")
    port = shell.node.api.settings.own_port
    (shell.data / "tansiq.toml").unlink()
    (shell.data / "own.token").unlink()
    assert typed(shell, "login anna", ANNA).code == 2
    assert typed(shell, f"login --port {port} anna", ANNA).code == 0
    assert shell("plan list").out == "no plans\n"


def test_a_session_that_ended_says_log_in_again(shell: Shell) -> None:
    add(shell, "anna", "viewer")
    typed(shell, "login anna", ANNA)
    (session,) = json.loads(shell("session list --json").out)["sessions"]
    assert shell(f"session revoke {session['id'][:8]} --yes").code == 0
    ran = shell("plan list")
    assert ran.code == 2
    assert f"log in again: tansiq login --data {shell.data} anna" in ran.err
    assert shell("logout").out == "anna is logged out\n"


def test_a_lost_password_is_set_on_the_machine(shell: Shell) -> None:
    add(shell, "anna", "admin")
    set_anew = typed(shell, "account password anna", BEN)
    assert set_anew.out == "anna has another password; log in again\n"
    wrong = typed(shell, "login anna", ANNA)
    assert wrong.code == 2
    assert "no such name, or another password" in wrong.err
    assert "log in again" not in wrong.err
    assert typed(shell, "login anna", BEN).code == 0


def test_ones_own_password_takes_the_present_one(shell: Shell) -> None:
    add(shell, "anna", "viewer")
    typed(shell, "login anna", ANNA)
    wrong = typed(shell, "account password anna", BEN, "four other words here")
    assert (wrong.code, "another password" in wrong.err) == (2, True)
    assert typed(shell, "account password anna", ANNA, BEN).code == 0
    assert "log in again" in shell("whoami").err
    shell("logout")
    assert typed(shell, "login anna", BEN).code == 0
    others = typed(shell, "account password ben", BEN)
    assert (others.code, "role admin" in others.err) == (2, True)


def test_feed_tokens_are_shown_once_listed_and_revoked(shell: Shell) -> None:
    assert shell("token list").out == "no feed tokens\n"
    made = shell("token create prometheus --scope metrics --scope feed")
    assert made.code == 0
    token = made.out.strip()
    assert token.startswith("tsf_")
    (line,) = shell("token list").out.splitlines()
    assert line.startswith("prometheus")
    assert "feed, metrics" in line
    assert token not in line + shell("token list --json").out
    assert json.loads(shell("token create map --scope feed --json").out)["scopes"] == ["feed"]
    again = shell("token create map --scope feed")
    assert (again.code, "there already" in again.err) == (1, True)
    assert shell("token revoke prometheus --yes").code == 0
    assert shell("token revoke prometheus --yes").code == 2


def test_what_names_say_does_not_steer_the_terminal(shell: Shell) -> None:
    ran = typed(shell, "account add anna --role admin --display-name \x1b[2J", ANNA)
    assert (ran.code, "display_name" in ran.err) == (2, True)
    assert shell("token create a\x1b[2Jb --scope feed").code == 2


def test_passwords_come_from_a_terminal_without_echo_or_from_a_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[dict[str, object]] = []

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def prompt(text: str, **options: object) -> str:
        asked.append(options)
        return ANNA

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("click.prompt", prompt)
    assert read_password("Password", twice=True) == ANNA
    assert asked[0]["hide_input"] is True
    assert asked[0]["confirmation_prompt"] is True
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{ANNA}\r\n"))
    assert read_password("Password") == ANNA
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    with pytest.raises(BadInput, match="one line"):
        read_password("Password")
