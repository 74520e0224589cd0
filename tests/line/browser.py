"""A real browser, headless, driven over its debugging pipe with the standard library alone."""

import json
import os
import select
import shutil
import subprocess
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE_S = 60.0


class Browser:
    """One Chromium with one page; no profile but ``folder``."""

    def __init__(self, folder: Path) -> None:
        assert CHROMIUM is not None
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        flags = (
            "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run "
            "--disable-background-networking --disable-component-update --mute-audio "
            f"--remote-debugging-pipe --user-data-dir={folder} about:blank"
        )
        # The pipe is file descriptors 3 and 4 of the browser.
        command = f"exec {CHROMIUM} {flags} 3<&{to_read} 4>&{to_write}"
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", command],
            pass_fds=(to_read, to_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self._id, self._rest, self.events = 0, b"", list[dict[str, Any]]()
        self._session: str | None = None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "DOM", "Network", "Log"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send one command and return its result; what comes in between is kept in ``events``."""
        self._id += 1
        said = {"id": self._id, "method": method, "params": params}
        if self._session is not None:
            said["sessionId"] = self._session
        os.write(self._write, json.dumps(said).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") == self._id:
                if "error" in told:
                    raise AssertionError(f"{method}: {told['error']}")
                return dict(told["result"])
            self.events.append(told)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            if not select.select([self._read], [], [], PATIENCE_S)[0]:
                raise AssertionError("the browser says nothing")
            piece = os.read(self._read, 1 << 20)
            if not piece:
                raise AssertionError("the browser is gone")
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(line))

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression in the page, awaited."""
        found = self.ask(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait(self, condition: str) -> Any:
        """Wait until an expression is true in the page."""
        return self.evaluate(
            "new Promise((done) => { const look = () => { const found = (" + condition + "); "
            "if (found) done(found); else setTimeout(look, 10); }; look(); })"
        )

    def open(self, url: str) -> None:
        """Load a page."""
        self.ask("Page.navigate", url=url)
        self.wait(f"location.href === {json.dumps(url)} && document.readyState === 'complete'")

    def choose(self, selector: str, *paths: Path) -> None:
        """Choose files for an input, as a person does."""
        root = self.ask("DOM.getDocument")["root"]["nodeId"]
        node = self.ask("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.ask("DOM.setFileInputFiles", nodeId=node, files=[str(path) for path in paths])

    def close(self) -> None:
        """End the browser that this made."""
        self._process.terminate()
        self._process.wait(timeout=PATIENCE_S)
        os.close(self._read)
        os.close(self._write)
