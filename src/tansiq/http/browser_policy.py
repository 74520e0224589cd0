"""What a browser is told with every answer of the own listener, whatever is asked.

An answer is data: if a browser is ever brought to show one as a page, that page may load nothing,
run nothing and stand in no frame, and no page of another origin may load it as a script or an
image. What is a page of ours brings a policy of its own (``console.py``), and keeps it.
"""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SAID: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # Cookies know no ports: to a browser, a page on another port of this machine is of our site.
    "Cross-Origin-Resource-Policy": "same-origin",
}


class BrowserPolicy:
    """ASGI middleware; the outermost, so that what the guard refuses is told so as well."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _SAID.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, told)
