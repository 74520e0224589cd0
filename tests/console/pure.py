"""Functions of the console that need no page, called in Node.js as the console is bundled."""

import json
import subprocess
from pathlib import Path
from typing import Any, Final

CONSOLE: Final = Path(__file__).parents[2] / "console"
_ISOLATES: Final = "\u2066\u2067\u2068\u2069"


class Pure:
    """A process that answers calls by name, such as ``times.readTime``."""

    def __init__(self, folder: Path) -> None:
        script = Path(__file__).parent / "pure_entry.mjs"
        assert (CONSOLE / "node_modules" / "rolldown").is_dir(), "run `make console`"
        self._process = subprocess.Popen(
            ["node", str(script), str(CONSOLE), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def many(self, name: str, calls: list[list[Any]]) -> list[Any]:
        """Call a function with each list of arguments, and return what it returns each time."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"name": name, "calls": calls}) + "\n")
        self._process.stdin.flush()
        said = json.loads(self._process.stdout.readline())
        for each, args in zip(said, calls, strict=True):
            assert "error" not in each, (name, args, each["error"])
        return [each["value"] for each in said]

    def __call__(self, name: str, *args: Any) -> Any:
        return self.many(name, [list(args)])[0]

    def text(self, name: str, *args: Any) -> str:
        """Return a text without the isolation around it, which has to be there."""
        said = self(name, *args)
        assert said[0] in _ISOLATES[:3], said
        assert said[-1] == _ISOLATES[3], said
        inner = str(said[1:-1])
        assert not any(mark in inner for mark in _ISOLATES), said
        return inner

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()
