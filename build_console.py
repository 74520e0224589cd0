"""Builds the console into the package, for a wheel and for an sdist.

A hook of hatchling. Not for an editable installation, where `make console` does it, and not from an
sdist, which has the console in it: whoever installs a released wheel or sdist needs no Node.js.
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE_MIN = (20, 19)
"""Vite's."""
REMEDY = (
    "The console of Tansiq is built with Node.js {0}.{1} or later and npm, and {2}. Install it "
    "from https://nodejs.org or by your system's packages, or install a released wheel of Tansiq, "
    "which has the console in it"
)


class ConsoleHook(BuildHookInterface[Any]):
    """Sees to it that ``src/tansiq/console/dist`` is there and is that of these sources."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the console, where it is not there yet."""
        if version == "editable":
            return
        root = Path(self.root)
        dist = root / "src" / "tansiq" / "console" / "dist"
        # What an sdist alone has. A clone may hold a build of other sources.
        if (root / "PKG-INFO").is_file() and (dist / "index.html").is_file():
            return
        npm = self._npm()
        self.app.display_info("building the console with npm")
        shutil.rmtree(dist, ignore_errors=True)
        for command in ("ci", "run build"):
            words = [npm, *command.split(), "--no-audit", "--no-fund", "--loglevel=error"]
            done = subprocess.run(words, cwd=root / "console", check=False)
            if done.returncode:
                self._end(f"`npm {command}` failed in console/ ({done.returncode}); see above")
        if not (dist / "index.html").is_file():
            self._end(f"`npm run build` ended well and left no {dist / 'index.html'}")

    def _npm(self) -> str:
        node, npm = shutil.which("node"), shutil.which("npm")
        if node is None or npm is None:
            missing = "node" if node is None else "npm"
            self._end(REMEDY.format(*NODE_MIN, f"there is no {missing} here"))
        said = subprocess.run(
            [str(node), "--version"], capture_output=True, text=True, check=False
        ).stdout.strip()
        found = re.match(r"v(\d+)\.(\d+)\.", said)
        if found is None or (int(found[1]), int(found[2])) < NODE_MIN:
            self._end(REMEDY.format(*NODE_MIN, f"this is {said or 'no Node.js'}"))
        return str(npm)

    def _end(self, sentence: str) -> None:
        # Ends the build with the sentence alone; an exception would put a page of frames around it.
        self.app.abort(f"\n{sentence}.\n")
