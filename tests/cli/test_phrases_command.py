"""``tansiq phrases``: every code is shown, with what was asked for, or the reason why not."""

import json
from datetime import date

import pytest
from click.testing import CliRunner
from tests.formats.phrases import BOOK, LANGUAGES, bare

from tansiq.cli.main import cli
from tansiq.formats.phrase_book import render
from tansiq.formats.spelling import PDI, RLI, Setting


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["phrases", *arguments])
    return done.exit_code, done.output


def test_every_code_is_listed_once() -> None:
    code, output = run()
    assert code == 0
    heads = [block.split()[0] for block in output.split("\n\n")]
    assert heads == list(BOOK.codes)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_code_is_shown_in_two_languages(language: str) -> None:
    code, output = run("say.will-be-late", "--language", language)
    lines = output.splitlines()
    assert code == 0
    assert lines[0] == "say.will-be-late  (flight: callsign, minutes)"
    assert bare(lines[1]) == "  en  Our flight OSPREY-2 will be late by 5 minutes."
    if language != "en":
        text = render("say.will-be-late", {"flight": "OSPREY-2", "minutes": 5}, language)
        from_the_right = BOOK.languages[language].direction == "rtl"
        shown = f"{RLI}{text}{PDI}" if from_the_right else text
        assert lines[2:] == [f"  {language}  {shown}"]


def test_parameters_of_ones_own_are_shown() -> None:
    code, output = run(
        "say.will-be-late", "--with", "flight=HERON=1", "--with", "minutes=21", "--language", "ru"
    )
    assert code == 0
    assert "Наш рейс HERON=1 опоздает на 21 минуту." in bare(output)


def test_a_group_is_shown() -> None:
    _, output = run("stop")
    assert [block.split()[0] for block in output.split("\n\n")] == [
        code for code in BOOK.codes if code.startswith("stop.")
    ]


def test_json_has_everything_of_every_code() -> None:
    code, output = run("--json")
    assert code == 0
    documents = [json.loads(line) for line in output.splitlines()]
    assert [each["code"] for each in documents] == list(BOOK.codes)
    day = Setting(day=date(2026, 11, 28))
    for each in documents:
        parameters = each["example"]["parameters"]
        assert each["parameters"] == {n: k.value for n, k in BOOK.codes[each["code"]].items()}
        assert set(each["texts"]) == set(each["example"]["texts"]) == set(LANGUAGES)
        for language in LANGUAGES:
            text = render(each["code"], parameters, language, day)
            assert each["example"]["texts"][language] == text


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["xx"], "groups are say"),
        (["--language", "fr"], "there are ar, en, he, ru"),
        (["--with", "minutes=5"], "single CODE"),
        (["say.will-be-late", "--with", "minutes"], "NAME=VALUE"),
        (["say.will-be-late", "--with", "minutes=x"], "whole number"),
        (["say.will-be-late", "--with", "minutes=5.0"], "whole number"),
        (["say.will-be-late", "--with", "minutes=" + "9" * 5_000], "whole number"),
        (["say.will-be-late", "--with", "colour=red"], "it has flight, minutes"),
        (["say.affirm", "--with", "=x"], "it has none"),
    ],
)
def test_what_cannot_be_shown_is_said(arguments: list[str], word: str) -> None:
    code, output = run(*arguments)
    assert code == 2
    assert word in output
