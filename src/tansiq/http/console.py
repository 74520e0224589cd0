"""The console: the files of the web page that comes with the package, on the own listener.

They are read once, at the start, into a table of paths: what is asked for is looked up there, so no
path of a request ever reaches the disk. They are open to everybody on this machine, for they are
the same for everybody and whoever logs in needs them first; what they show, they ask of the API.
"""

import asyncio
import gzip
import logging
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tansiq.http.access import OPEN, GuardedRoute
from tansiq.http.conditional import conditional, takes_gzip

INDEX: Final = "index.html"
ROUTE: Final = "console"
"""All of its files are one route to who counts requests."""

MEDIA_TYPES: Final = {
    "css": "text/css",
    "geojson": "application/geo+json",
    "html": "text/html",
    "js": "text/javascript",
    "json": "application/json",
    "mjs": "text/javascript",
    "png": "image/png",
    "svg": "image/svg+xml",
    "txt": "text/plain",
    "webmanifest": "application/manifest+json",
    "woff2": "font/woff2",
}
_OPAQUE: Final = "application/octet-stream"
_PACKED: Final = frozenset({"png", "woff2"})
"""Compressed as they are."""
_GZIP_FROM_BYTES: Final = 1_000
"""What fits a packet is not worth it."""
_GZIP_LEVEL: Final = 9
"""Once a file and start."""

_NAME: Final = re.compile(r"(?!api/)(?:[A-Za-z0-9_][A-Za-z0-9._-]*/)*[A-Za-z0-9_][A-Za-z0-9._-]*")
"""Without what a route's path would read as its own (braces), and without hidden files."""
_HASHED: Final = re.compile(r"assets/[^/]+-[A-Za-z0-9_-]{8}\.[a-z0-9]+")
"""Vite's: other content, another name."""
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_ASK_FIRST: Final = "no-cache"

_SAID: Final = {
    # Strict: no inline script or style, no other origin, no frame, no data: and no blob: URLs.
    "Content-Security-Policy": (
        "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; "
        "object-src 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": ", ".join(
        f"{feature}=()"
        for feature in (
            "accelerometer",
            "camera",
            "display-capture",
            "geolocation",
            "gyroscope",
            "hid",
            "magnetometer",
            "microphone",
            "midi",
            "payment",
            "publickey-credentials-get",
            "serial",
            "usb",
            "xr-spatial-tracking",
        )
    ),
}

NOT_BUILT: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Tansiq: the console is not built</title>
</head>
<body>
<h1>The console is not built: run <code>make console</code></h1>
<p>This node runs from a clone of the source. Run <code>make console</code> in the clone's folder
(it needs Node.js 20.19 or later, and npm), then start the node again. A released wheel has the
console in it.</p>
<p>The node itself works: use the command line, <code>tansiq --help</code>.</p>
</body>
</html>
"""

_log = logging.getLogger(__name__)


class ConsoleFile:
    """One file, plain and gzipped; the form that is missing is made when it is first asked for."""

    def __init__(self, path: str, content: bytes) -> None:
        # Packed for the package's sake: to who reads it, it is the file that was packed.
        packed = path.endswith(".gz")
        self._gzipped = content if packed else None
        self._plain = None if packed else content
        self.path = path
        self.tag = sha256(content).hexdigest()[:32]
        suffix = path.removesuffix(".gz").rpartition(".")[2]
        self.media_type = MEDIA_TYPES.get(suffix, _OPAQUE)
        self.kept = _FOR_EVER if _HASHED.fullmatch(path) else _ASK_FIRST
        self._zips = packed or (suffix not in _PACKED and len(content) >= _GZIP_FROM_BYTES)
        self._turn = asyncio.Lock()

    async def answer(self, request: Request) -> Response:
        """Answer a request for this file."""
        request.scope["tansiq.route"] = ROUTE
        zipped = self._zips and takes_gzip(request.headers)
        return conditional(
            request.headers,
            await (self._squeezed() if zipped else self._spread()),
            tag=self.tag,
            media_type=self.media_type,
            zipped=zipped,
            said=_SAID | {"Cache-Control": self.kept},
        )

    async def _squeezed(self) -> bytes:
        # A large file takes a tenth of a second: once, and nobody else waits for it.
        async with self._turn:
            if self._gzipped is None:
                self._gzipped = await run_in_threadpool(_gzip, self._plain or b"")
            return self._gzipped

    async def _spread(self) -> bytes:
        async with self._turn:
            if self._plain is None:
                self._plain = await run_in_threadpool(gzip.decompress, self._gzipped or b"")
            return self._plain


def packaged() -> Traversable:
    """Return the folder of the package that a build of the console writes to."""
    return files("tansiq") / "console" / "dist"


def is_built(folder: Traversable) -> bool:
    """Report whether the folder holds a console."""
    return (folder / INDEX).is_file()


def read_console(folder: Traversable) -> tuple[ConsoleFile, ...]:
    """Return the files of a built console; none where it is not built."""
    if not is_built(folder):
        return ()
    found = []
    try:
        for path, file in _walk(folder, ""):
            if _NAME.fullmatch(path):
                found.append(ConsoleFile(path, file.read_bytes()))
            elif not path.startswith("."):
                _log.warning("the console's file %r is not served: its name cannot be a path", path)
    except FileNotFoundError as error:
        # A node is not to fail for that: it coordinates without a console too.
        _log.warning("the console is being built (%s is gone); start again when it is", error)
        return ()
    return tuple(found)


def console_routes(console: Sequence[ConsoleFile]) -> list[GuardedRoute]:
    """Return a route for every file of the console, and ``/`` for its page."""
    if not console:
        return [_route("/", _not_built)]
    paths = [(file, f"/{file.path}") for file in console]
    paths += [(file, "/") for file in console if file.path == INDEX]
    return [_route(path, file.answer) for file, path in paths]


def _route(path: str, answer: Callable[[Request], Awaitable[Response]]) -> GuardedRoute:
    return GuardedRoute(path, answer, method="GET", access=OPEN)


async def _not_built(request: Request) -> Response:
    request.scope["tansiq.route"] = ROUTE
    return Response(NOT_BUILT, 503, _SAID | {"Cache-Control": "no-store"}, MEDIA_TYPES["html"])


def _walk(folder: Traversable, above: str) -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir():
            yield from _walk(entry, f"{above}{entry.name}/")
        else:
            yield above + entry.name, entry


def _gzip(content: bytes) -> bytes:
    # Without the time, so that every start of a node sends the same bytes under the same tag.
    return gzip.compress(content, _GZIP_LEVEL, mtime=0)
