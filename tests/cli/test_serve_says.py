"""What `tansiq serve` prints on a node without accounts, followed: the console, and the link."""

import re
import time
from pathlib import Path

import httpx
from tests.fuzz.running import Served, serving

from tansiq.http.console import NOT_BUILT, is_built, packaged

PATIENCE_S = 60.0


def said(node: Served) -> str:
    give_up_s = time.monotonic() + PATIENCE_S
    while "Ctrl-C ends it." not in node.log:
        assert time.monotonic() < give_up_s, node.log
        time.sleep(0.05)
    return node.log


def test_the_addresses_lead_to_the_console_and_the_token_to_the_first_account(
    tmp_path: Path,
) -> None:
    with serving(tmp_path / "alone") as node, httpx.Client(trust_env=False) as browser:
        text = said(node)
        root = f"http://127.0.0.1:{node.own_port}/"
        (console,) = re.findall(r"^  console   (.*)$", text, re.MULTILINE)
        page = browser.get(root)
        if is_built(packaged()):
            assert console == root
            assert page.status_code == 200
            assert page.content == (packaged() / "index.html").read_bytes()
        else:
            assert console == "not built: run `make console`, then start again"
            assert (page.status_code, page.text) == (503, NOT_BUILT)

        (link,) = re.findall(r"^  (http\S+#\S+)$", text, re.MULTILINE)
        address, _, token = link.partition("#setup=")
        assert address == root
        first = {
            "token": token,
            "name": "chief",
            "display_name": "Chief of watch",
            "initials": "CW",
            "password": "correct horse battery",
        }
        made = browser.post(f"{root}api/v1/setup", json=first)
        assert (made.status_code, made.json()["role"]) == (201, "admin")
        assert browser.post(f"{root}api/v1/setup", json=first).status_code == 401
