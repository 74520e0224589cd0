"""The page that verifies in a browser, held against the command line: same verdict, same findings.

In a real browser from a file, where there is one; its checks alone in Node.js, where there is that.
"""

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from browser import CHROMIUM, Browser
from evidence_world import agreement_file, sample
from stations import key_of
from test_evidence_museum import MUSEUM

from tansiq.errors import TansiqError
from tansiq.formats.bundle import read_bundle, write_bundle
from tansiq.formats.evidence import verify_bundle
from tansiq.formats.evidence_page import CHECKS, page, script

NODE = shutil.which("node")
SEED = 20261128
RUN = """
const bundles = JSON.parse(require("fs").readFileSync(0, "utf8"));
(async () => {
  const told = [];
  for (const { data, agreement } of bundles) {
    const own = agreement === null ? null : new Uint8Array(Buffer.from(agreement, "base64"));
    try {
      const found = await verifyBundle(new Uint8Array(Buffer.from(data, "base64")), own);
      told.push([found.verified, found.findings.map((each) => `${each.level}/${each.code}`).sort(),
        found.notes.map((each) => each.words), found.notices.map((each) => each.guaranteed)]);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      told.push(null);
    }
  }
  console.log(JSON.stringify(told));
})();
"""

Case = tuple[bytes, bytes | None]


def by_python(data: bytes, agreement: bytes | None) -> list[Any] | None:
    """What the command line finds; None: not readable."""
    try:
        found = verify_bundle(data, agreement=agreement)
    except TansiqError:
        return None
    return [
        found.verified,
        sorted(f"{each.level}/{each.code}" for each in found.findings),
        [each.words for each in found.notes],
        [each.guaranteed_s for each in found.notices],
    ]


def tampered() -> list[bytes]:
    """Bundles with one bit changed; and those that their exporter changed and signed again."""
    random, data = Random(SEED), sample()
    found = []
    for _ in range(60):
        changed = bytearray(data)
        changed[random.randrange(len(data))] ^= 1 << random.randrange(8)
        found.append(bytes(changed))
    contents = read_bundle(data).contents
    for place, entry in enumerate(contents.entries):
        body = bytearray(entry.body)
        body[random.randrange(20, len(body) - 20)] ^= 1
        for other in (
            replace(entry, body=bytes(body)),
            replace(entry, salt=b"s" * 16, payload=b"{}"),
            replace(entry, index=entry.index + 100),
            replace(entry, kind="exchange" if entry.kind == "note" else "note"),
        ):
            entries = (*contents.entries[:place], other, *contents.entries[place + 1 :])
            try:
                found.append(write_bundle(replace(contents, entries=entries), key_of("north")))
            except (UnicodeDecodeError, TansiqError):
                continue
    anchors = contents.anchors
    wrong: tuple[dict[str, Any], ...] = (
        {"checkpoint": anchors[0].checkpoint},
        {"anchors": (replace(anchors[0], proof=anchors[0].proof[1:]),)},
        {"hashes": (b"h" * 32,)},
        {"keys": contents.keys[::-1]},
        {"keys": contents.keys[:1]},
        {"size": 3},
        {"digest": "0" * 64},
        {"entries": contents.entries[::2]},
        {"entries": ()},
    )
    return found + [write_bundle(replace(contents, **each), key_of("north")) for each in wrong]


def cases() -> list[Case]:
    good: list[Case] = [
        (sample("north"), None),
        (sample("south"), agreement_file()),
        (sample("east"), agreement_file()),
        (sample("north", party="south"), None),
        (sample("north", withhold="all"), None),
        (sample("north"), agreement_file(("north", "south"))),
    ]
    return [*good, *((data, None) for data in (*tampered(), *MUSEUM.values()))]


def test_its_checks_find_what_the_command_line_finds(tmp_path: Path) -> None:
    all_ = cases()
    (tmp_path / "check.js").write_text(script(*CHECKS) + RUN, encoding="utf-8")
    asked = [
        {
            "data": base64.b64encode(data).decode(),
            "agreement": None if own is None else base64.b64encode(own).decode(),
        }
        for data, own in all_
    ]
    assert NODE is not None, "no Node.js here; install it, such as: sudo apt-get install nodejs"
    ran = subprocess.run(
        [NODE, str(tmp_path / "check.js")],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr[-2_000:]
    told = json.loads(ran.stdout)
    assert len(told) == len(all_)
    assert sum(each is not None and each[0] for each in told) == 5
    for place, (case, found) in enumerate(zip(all_, told, strict=True)):
        assert found == by_python(*case), place


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.fail("no Chromium here; install it, such as: sudo apt-get install chromium")
    made = Browser(tmp_path_factory.mktemp("profile"))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Browser:
    (tmp_path / "verify.html").write_bytes(page())
    browser.events.clear()
    browser.open((tmp_path / "verify.html").as_uri())
    browser.wait("document.body.dataset.ready")
    return browser


def verdict(browser: Browser, path: Path, content: bytes) -> tuple[str, str]:
    path.write_bytes(content)
    browser.evaluate("delete document.body.dataset.verdict, delete document.body.dataset.codes")
    browser.choose("#bundle", path)
    word = browser.wait("document.body.dataset.verdict")
    return word, browser.evaluate("document.body.dataset.codes ?? ''")


def test_in_a_browser_from_a_file_it_says_what_the_command_line_says(
    opened: Browser, tmp_path: Path
) -> None:
    for place, (data, own) in enumerate(cases()[::3]):
        if own is not None:
            continue
        word, codes = verdict(opened, tmp_path / f"{place}.bundle", data)
        found = by_python(data, None)
        if found is None:
            assert word == "unreadable"
        else:
            assert (word, codes.split()) == ("verified" if found[0] else "wrong", found[1])


def test_it_shows_words_times_and_digest_and_asks_nobody(opened: Browser, tmp_path: Path) -> None:
    data = sample()
    found = verify_bundle(data)
    assert verdict(opened, tmp_path / "x.bundle", data)[0] == "verified"
    shown = opened.evaluate("document.body.innerText")
    for expected in (
        found.agreement, "NOT held against yours", "OSPREY-2", "keep clear of the bridge at dawn",
        "guaranteed by east", "Not proven by this", "STOP",
    ):  # fmt: skip
        assert expected in shown
    opened.choose("#agreement", _file(tmp_path / "agreement.toml", agreement_file()))
    opened.wait("document.body.innerText.includes('held against your file')")
    urls = [
        event["params"]["request"]["url"]
        for event in opened.events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert [url for url in urls if not url.startswith("file:")] == []
    noise = ("Log.entryAdded", "Runtime.exceptionThrown")
    assert [event for event in opened.events if event["method"] in noise] == []


def _file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_its_policy_lets_nothing_out_and_no_other_script_in(opened: Browser) -> None:
    assert re.search(rb"default-src 'none'; script-src 'sha256-[^']+'; style-src", page())
    tried = opened.evaluate("fetch('https://example.org/').then(() => 'sent', () => 'refused')")
    assert tried == "refused"
    blocked = [
        event
        for event in opened.events
        if event["method"] == "Log.entryAdded" and "Policy" in event["params"]["entry"]["text"]
    ]
    assert blocked
    opened.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), "
        "{textContent: 'document.body.dataset.verdict = \"verified\"'}))"
    )
    assert opened.evaluate("document.body.dataset.verdict ?? ''") == ""


def test_words_of_others_are_text_and_keep_their_direction(opened: Browser) -> None:
    made = opened.evaluate(
        "(() => { const cell = element('td', '<img src=x onerror=alert(1)> \u05e9\u05dc\u05d5');"
        " return [cell.children.length, cell.dir]; })()"
    )
    assert made == [0, "auto"]


def test_with_the_keyboard_alone_one_gets_to_the_files_and_the_verdict(
    opened: Browser, tmp_path: Path
) -> None:
    for expected in ("bundle", "agreement"):
        for kind in ("keyDown", "keyUp"):
            opened.ask(
                "Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9
            )
        assert opened.evaluate("document.activeElement.id") == expected
    verdict(opened, tmp_path / "x.bundle", sample())
    assert opened.evaluate("document.activeElement.id") == "verdict"


def test_a_browser_without_ed25519_is_told_so(browser: Browser, tmp_path: Path) -> None:
    lacking = browser.ask(
        "Page.addScriptToEvaluateOnNewDocument",
        source="crypto.subtle.importKey = () => Promise.reject(new Error('NotSupportedError'))",
    )
    browser.open(_file(tmp_path / "lacking.html", page()).as_uri())
    assert browser.wait("document.body.dataset.verdict") == "unable"
    assert "Ed25519" in browser.evaluate("document.getElementById('unable').innerText")
    assert browser.evaluate("document.getElementById('drop').hidden")
    browser.ask("Page.removeScriptToEvaluateOnNewDocument", identifier=lacking["identifier"])
