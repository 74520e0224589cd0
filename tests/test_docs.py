"""The documents, held against what is there: commands, links, names, examples."""

import json
import re
from importlib import import_module
from pathlib import Path

import click
import pytest

from tansiq import errors
from tansiq.cli import main
from tansiq.errors import TansiqError
from tansiq.formats.agreement import read_agreement
from tansiq.formats.plans import read_plan
from tansiq.http.own_table import OPERATIONS
from tansiq.http.problems import f3548_error, status_of

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
TABLE = re.compile(r"<!-- commands: [^\n]*\n\n(?:\|[^\n]*\n)+")
"""Of docs/accounts.md: it names every command with its role, and explains none."""
README = (ROOT / "README.md").read_text(encoding="utf-8")

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMPT = re.compile(r"^(?:\w*\$ )?(tansiq (?!\[).*)$", re.MULTILINE)
INLINE = re.compile(r"`(tansiq [a-z][^`]*)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(text: str, language: str) -> list[str]:
    return [body for name, body in FENCE.findall(text) if name == language]


def errors_below(kind: type[TansiqError]) -> list[type[TansiqError]]:
    return [kind, *(sub for child in kind.__subclasses__() for sub in errors_below(child))]


# Commands


def shell_lines(text: str) -> list[str]:
    """Return every command line of ours in code blocks and in running text."""
    shown = [line for _, body in FENCE.findall(text) for line in PROMPT.findall(body)]
    return [*shown, *INLINE.findall(FENCE.sub("", text))]


def words_of(line: str) -> list[str]:
    """Return what a reader would type of it: no comment, no output, nothing left out."""
    return re.split(r"\s{2,}#|\s\.\.\.|\s<<|\s>\s|[;|]", line)[0].split()


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    """Return the command that a line names, and the words after its name."""
    for length in (3, 2):
        path = " ".join(words[1:length])
        if path in main._COMMANDS and len(words) >= length:
            module, _, name = main._COMMANDS[path][0].partition(":")
            return getattr(import_module(module), name), words[length:]
    pytest.fail(f"no such command: {' '.join(words)}")


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_commands_in_the_documents_exist_with_their_options(page: Path) -> None:
    for line in shell_lines(page.read_text(encoding="utf-8")):
        words = words_of(line)
        if words[1] in ("--help", "--version", "COMMAND") or words[1:] in (
            ["plan"],
            ["constraint"],
            ["report"],
        ):
            continue
        command, rest = command_of(words)
        known = {name for p in command.params for name in (*p.opts, *p.secondary_opts)} | {"--help"}
        used = {word.partition("=")[0] for word in rest if word.startswith("--")}
        assert used <= known, f"{line}: {sorted(used - known)}"


def test_a_command_that_is_not_there_is_noticed() -> None:
    assert shell_lines("```console\n$ tansiq plan fly x  # soon\n```") == [
        "tansiq plan fly x  # soon"
    ]
    with pytest.raises(pytest.fail.Exception, match="no such command: tansiq plan fly x"):
        command_of(words_of("tansiq plan fly x  # soon"))


@pytest.mark.parametrize("path", sorted(main._COMMANDS))
def test_every_command_is_in_the_documents(path: str) -> None:
    text = TABLE.sub("", TEXT)
    assert re.search(rf"\btansiq {re.escape(path)}\b", text) or re.search(
        rf"`tansiq {path.split(' ')[0]} \w+`[^.]*`{path.split(' ')[-1]}`", text
    ), f"nobody learns of tansiq {path}"


def test_every_make_target_in_the_documents_exists_and_says_what_it_does() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):.*## \S", makefile, re.MULTILINE))
    named = set(re.findall(r"(?:^|`|\$ )make ([a-z]+)\b", TEXT, re.MULTILINE))
    assert named <= targets
    assert targets >= {"setup", "demo", "test", "check", "accept", "bench", "soak"}


def test_tests_that_the_readme_tells_to_run_exist() -> None:
    told = re.findall(r'make test ARGS="?([^"`]+)"?`', README)
    assert len(told) >= 5
    for path in " ".join(told).split():
        assert (ROOT / path).exists(), path


# Names


GROUPS = (errors.TansiqError, errors.CallerError, errors.PeerError)
"""Only kinds of these are raised."""
CONCRETE = [
    kind
    for kind in errors_below(TansiqError)
    if kind not in GROUPS and kind.__module__ == errors.__name__
]


@pytest.mark.parametrize("kind", CONCRETE, ids=lambda kind: kind.code)
def test_every_error_is_documented_with_its_statuses(kind: type[TansiqError]) -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| `{kind.code}` \| (\d*) \|([^|]*)\|", page, re.MULTILINE)
    assert row is not None, f"docs/errors.md has no row for {kind.code}"
    own, f3548 = (cell.strip() for cell in row.groups())
    error = kind.__new__(kind)
    TansiqError.__init__(error, "some sentence")
    assert str(status_of(error)) == own
    if f3548:
        assert f3548.endswith(str(f3548_error(error).status_code))


def test_every_route_of_the_own_api_is_documented() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    for operation in OPERATIONS:
        path = operation.path.removeprefix("/api/v1")
        assert path in page, path


# Links


def anchor(title: str) -> str:
    """Return the name that a heading gets on the usual forges."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_resolve(page: Path) -> None:
    for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        assert found.is_relative_to(ROOT), f"{target} leaves the repository"
        if fragment:
            headings = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert fragment in {anchor(h) for h in headings}, target


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen, todo = set[Path](), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        links = LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
        found = [
            (page.parent / link.partition("#")[0]).resolve() for link in links if ":" not in link
        ]
        todo += [path for path in found if path.is_file()]
    assert set(PAGES) <= seen, [page_id(page) for page in set(PAGES) - seen]


def rows(section: str) -> list[list[str]]:
    body = README.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return [
        [c.strip() for c in line.strip("|").split("|")]
        for line in re.findall(r"^\|.*\|$", body, re.M)
    ]


def test_what_is_claimed_as_done_has_tests() -> None:
    """Each row of the table says done, partial or not; what is there links tests that exist."""
    table = [
        row
        for row in rows("What it implements")
        if len(row) == 3 and row[1] and "-" not in row[1][:1]
    ]
    assert len(table) >= 10
    for what, state, tests in table:
        links = LINK.findall(tests)
        assert re.match(r"(done|partial|not)\b", state), what
        if not state.startswith("not"):
            assert links, f"{what}: claimed, but no test is named"
        for link in links:
            if link.startswith("tests/"):
                assert re.search(r"^\s*(async )?def test_", (ROOT / link).read_text(), re.M), link


# Examples


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_json_in_the_documents_is_json_and_plans_are_plans(page: Path) -> None:
    for block in blocks(page.read_text(encoding="utf-8"), "json"):
        value = json.loads(block)
        if value.get("type") in ("Feature", "FeatureCollection") or "reference" in value:
            read_plan(block.encode())


def test_the_guides_plan_and_agreement_are_good() -> None:
    """What the guide has the reader type, with the times and parties filled in."""
    guide = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
    (typed,) = re.findall(r"<<END\n(.*?)^END$", guide, re.MULTILINE | re.DOTALL)
    times = iter(["2026-06-01T14:40:00Z", "2026-06-01T14:55:00Z"])
    assert read_plan(re.sub(r"\$\(date [^)]*\)", lambda _: next(times), typed).encode()).volumes
    parties = (ROOT / "docs" / "agreement.md").read_text(encoding="utf-8")
    example = parties.split("```toml\n")[1]
    entries = example[example.index("[[party]]") : example.index("[area]")]
    agreement = read_agreement((blocks(guide, "toml")[0] + entries).encode())
    assert [r.party for r in agreement.registers] == [p.id for p in agreement.parties]


def test_no_machine_of_ours_is_in_the_documents() -> None:
    assert not re.search(r"(/home/|/root/|/tmp/)\w", TEXT)
