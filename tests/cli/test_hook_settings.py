"""``[[hook]]`` in the settings, what doctor says of it, and how an event of it is printed."""

import asyncio
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from tansiq.cli.doctor_hooks import hooks
from tansiq.cli.events import _Event, _line, _Subject
from tansiq.cli.main import cli
from tansiq.errors import BadInput
from tansiq.hook_settings import ARGUMENTS_MAX, HOOKS_MAX, KEYS, Hook
from tansiq.services.hooks import FEED_KINDS
from tansiq.settings import STORE, Settings, read_settings
from tansiq.storage.hooks import HookRow, HookRows
from tansiq.storage.sqlite import SqliteStore
from tansiq.storage.store import Tx

GOOD = '[[hook]]\nname = "siren"\non = ["stop", "all-clear"]\nrun = ["/usr/bin/siren", "--on"]\n'
HEAD = 'party = "north"\n'


def settings_of(data: Path, text: str) -> Settings:
    return read_settings(data, (HEAD + text).encode())


def test_hooks_are_read_in_order(tmp_path: Path) -> None:
    more = '[[hook]]\nname = "m-2"\non = ["note"]\nrun = ["bin/mail"]\nexercise = true\n'
    assert settings_of(tmp_path, GOOD + more).hooks == (
        Hook(name="siren", on=("stop", "all-clear"), run=("/usr/bin/siren", "--on")),
        Hook(name="m-2", on=("note",), run=(str(tmp_path / "bin" / "mail"),), exercise=True),
    )
    assert settings_of(tmp_path, "").hooks == ()


def many(count: int) -> str:
    return "".join(GOOD.replace("siren", f"s{n}") for n in range(count))


@pytest.mark.parametrize(
    ("text", "field", "remedy"),
    [
        (GOOD.replace('"siren"', '"Siren"'), "hook[0].name", "small letters"),
        (GOOD.replace('"siren"', '"-s"'), "hook[0].name", "small letters"),
        (GOOD.replace('name = "siren"\n', ""), "hook[0].name", "missing"),
        (GOOD.replace('"siren"', f'"{"s" * 41}"'), "hook[0].name", "1 to 40"),
        (GOOD + GOOD, "hook[1].name", "is there already"),
        (GOOD.replace('["stop", "all-clear"]', "[]"), "hook[0].on", "empty"),
        (GOOD.replace('on = ["stop", "all-clear"]\n', ""), "hook[0].on", "missing"),
        (GOOD.replace('["stop", "all-clear"]', '"stop"'), "hook[0].on", "list"),
        (GOOD.replace('["/usr/bin/siren", "--on"]', "[]"), "hook[0].run", "with its path"),
        (GOOD.replace('"/usr/bin/siren"', '"siren"'), "hook[0].run", "with its path"),
        (GOOD.replace('["/usr/bin/siren", "--on"]', '"/usr/bin/siren"'), "hook[0].run", "list"),
        (GOOD.replace('"--on"', '""'), "hook[0].run[1]", "printable"),
        (GOOD.replace('"--on"', '"a\\u0000b"'), "hook[0].run[1]", "printable"),
        (GOOD + "exercise = 1\n", "hook[0].exercise", "true or false"),
        (GOOD + 'shell = "sh"\n', "hook[0].shell", "unknown key"),
        (many(HOOKS_MAX + 1), "hook", "at most 16"),
        (
            GOOD.replace('"--on"', ", ".join(['"a"'] * ARGUMENTS_MAX)),
            "hook[0].run",
            "at most 64",
        ),
    ],
)
def test_a_mistake_is_named_with_its_remedy(
    tmp_path: Path, text: str, field: str, remedy: str
) -> None:
    with pytest.raises(BadInput, match=remedy) as error:
        settings_of(tmp_path, text)
    assert error.value.field == field


def test_the_bounds_are_closed(tmp_path: Path) -> None:
    assert len(settings_of(tmp_path, many(HOOKS_MAX)).hooks) == HOOKS_MAX
    text = GOOD.replace('"--on"', ", ".join(['"a"'] * (ARGUMENTS_MAX - 1)))
    assert len(settings_of(tmp_path, text).hooks[0].run) == ARGUMENTS_MAX


def test_a_kind_that_there_is_not_keeps_the_node_from_starting(tmp_path: Path) -> None:
    made = CliRunner().invoke(
        cli,
        [
            *("invite", "--data", str(tmp_path / "north"), "--party", "north", "--name", "North"),
            *("--center", "38.6,-120.3", "--no-qr"),
        ],
    )
    assert made.exit_code == 0, made.output
    file = tmp_path / "north" / "tansiq.toml"
    file.write_text(file.read_text() + "\n" + GOOD.replace('"stop"', '"stop-all"'))
    found = CliRunner().invoke(cli, ["doctor", "--data", str(tmp_path / "north"), "--json"])
    (check,) = (c for c in json.loads(found.stdout)["checks"] if c["name"] == "hooks")
    assert check["verdict"] == "FAIL"
    assert "'stop-all' is no kind of event" in check["finding"]


def keep(data: Path, row: HookRow) -> None:
    async def write(tx: Tx) -> None:
        await HookRows(tx).put(row)

    async def main() -> None:
        store = SqliteStore.open(data / STORE)
        await store.write(write)
        await store.close()

    asyncio.run(main())


def test_doctor_looks_at_the_program_and_at_its_last_run(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, GOOD.replace("/usr/bin/siren", "./siren"))
    program = tmp_path / "siren"

    def look() -> tuple[str, str]:
        (check,) = hooks(settings)
        assert check.name == "hook siren"
        return check.verdict, check.finding

    verdict, finding = look()
    assert (verdict, "is no file" in finding) == ("FAIL", True)
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o600)
    verdict, finding = look()
    assert (verdict, "may not execute" in finding) == ("FAIL", True)
    for mode, expected in ((0o700, "OK"), (0o755, "OK"), (0o720, "WARN"), (0o702, "WARN")):
        program.chmod(mode)
        assert look()[0] == expected, oct(mode)
    program.chmod(0o700)
    assert "never run yet" in look()[1]
    keep(tmp_path, HookRow(name="siren", done=7, time=0, failures=3, problem="ended with code 1"))
    verdict, finding = look()
    assert verdict == "FAIL"
    assert "3 failures in a row, last at 1970-01-01T00:00:00Z: ended with code 1" in finding
    keep(tmp_path, HookRow(name="siren", done=8, time=0))
    assert look() == ("OK", f"{program} on stop, all-clear; its last run was good")


def test_each_key_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "hooks.md").read_text()
    rows = set(re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE))
    assert rows == set(KEYS)
    for kind in FEED_KINDS:
        assert f"`{kind}`" in text


def test_how_one_fared_is_printed_on_a_line() -> None:
    failed = _Subject(on="stop", problem="ended with exit code 3")
    assert _line(_Event(1, "t", "hook", "siren", failed)) == (
        "siren  HOOK FAILED on stop: ended with exit code 3"
    )
    assert _line(_Event(2, "t", "hook", "siren", _Subject(on="stop"))) == "siren  works"
