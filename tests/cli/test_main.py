"""The command line as a whole: help without loading commands, errors as exits."""

import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec

import click
import pytest
from click.testing import CliRunner

from tansiq import errors
from tansiq.cli import main
from tansiq.cli.main import cli, exit_code

NEEDLESS = (
    "msgspec",
    "babel",
    "geographiclib",
    "aiohttp",
    "uvicorn",
    "apsw",
    "tansiq.domain.geodesy",
)


@pytest.mark.parametrize("arguments", [["--help"], ["plan", "--help"], ["--version"]])
def test_help_loads_no_command(arguments: list[str]) -> None:
    code = (
        "import sys; from tansiq.cli.main import cli; "
        f"cli.main({arguments}, standalone_mode=False); "
        f"print([m for m in {NEEDLESS} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_check_of_geojson_does_without_the_decoder_of_f3548() -> None:
    code = "import sys, tansiq.cli.check; print('msgspec' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_help_lists_every_command_and_teaches() -> None:
    text = CliRunner().invoke(cli, ["--help"]).stdout
    for path in main._COMMANDS:
        assert path.split(" ")[0] in text
    assert "tansiq check plan.geojson airspace.geojson" in text


@pytest.mark.parametrize("path", sorted(main._COMMANDS))
def test_table_points_at_commands(path: str) -> None:
    """What is there is a command of that name; what is not yet there fails only when called."""
    module, _, name = main._COMMANDS[path][0].partition(":")
    if find_spec(module) is None:
        result = CliRunner().invoke(cli, path.split(" "))
        assert result.exit_code == 1
        assert "not part of this version" in result.stderr
    else:
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        assert command.name == path.split(" ")[-1]


def test_unknown_command_is_a_usage_error() -> None:
    assert CliRunner().invoke(cli, ["plan", "fly"]).exit_code == 2
    assert CliRunner().invoke(cli, ["fly"]).exit_code == 2


def _all(kind: type[errors.TansiqError]) -> list[type[errors.TansiqError]]:
    return [kind, *(sub for child in kind.__subclasses__() for sub in _all(child))]


def test_every_error_has_an_exit() -> None:
    for kind in _all(errors.CallerError):
        assert exit_code(kind("x")) == 2
    assert exit_code(errors.WrongState("x")) == 1
    assert exit_code(errors.AgreementMismatch("x")) == 1
    assert exit_code(errors.PeerRefused("x", status=409)) == 3
    assert exit_code(errors.StoreError("x")) == 4
