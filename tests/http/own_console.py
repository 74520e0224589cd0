"""A console as a build leaves it, small: one file of each kind."""

import gzip
from pathlib import Path

from tansiq.http.console import ConsoleFile

BASE_MAP = b'{"type":"Topology","arcs":[' + b"[[1,2],[3,4]]," * 200 + b"[]]}"
SCRIPT = b'document.title = "Tansiq";\n' * 60
FILES = {
    "index.html": b'<!doctype html><script type="module" src="./assets/index-Ab3_x-9Q.js">',
    "favicon.svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "manifest.webmanifest": b'{"name":"Tansiq"}',
    "sw.js": b"self.addEventListener('fetch', () => {});\n" * 40,
    "assets/index-Ab3_x-9Q.js": SCRIPT,
    "assets/index-BBBBBBBB.css": b"body { color: red; }\n" * 60,
    "assets/noto-sans-cyrillic-CCCCCCCC.woff2": b"wOF2" + bytes(2_000),
    "assets/plain.js": SCRIPT,
    "data/base.json": BASE_MAP,
    "data/places.json.gz": gzip.compress(BASE_MAP, mtime=0),
}


def own_console() -> tuple[ConsoleFile, ...]:
    """Return it as a node has read it."""
    return tuple(ConsoleFile(path, content) for path, content in FILES.items())


def write_console(folder: Path) -> Path:
    """Write it as a build does, and return where."""
    for path, content in FILES.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder
