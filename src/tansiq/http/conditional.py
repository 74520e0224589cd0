"""Answers that a reader may hold already: an entity tag, 304, and gzip where it is taken."""

import re
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response

_TAG: Final = re.compile(r'(?:W/)?"([^"]*)"')
_CODING: Final = re.compile(
    r"(?:^|,)\s*(gzip|\*)\s*(?:;\s*q=([0-9.]{1,5})\s*)?(?=,|$)", re.IGNORECASE
)


def takes_gzip(headers: Headers) -> bool:
    """Report whether a reader takes gzip, by its Accept-Encoding (RFC 9110, 12.5.3)."""
    weights = {
        coding.lower(): _float(weight) if weight else 1.0
        for coding, weight in _CODING.findall(headers.get("accept-encoding", ""))
    }
    # The asterisk is for codings that are not named beside it.
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def conditional(
    headers: Headers,
    body: bytes,
    *,
    tag: str,
    media_type: str,
    zipped: bool,
    said: dict[str, str],
) -> Response:
    """Answer with ``body``, or with 304 where the request's headers name its tag.

    ``tag`` is of the content; ``zipped`` says that ``body`` is the gzipped form of it. ``said`` are
    further headers.
    """
    # Other bytes, another tag (RFC 9110, 8.8.3.3).
    tag = f"{tag}-gzip" if zipped else tag
    said = said | {"ETag": f'"{tag}"', "Vary": "Accept-Encoding"}
    if tag in _TAG.findall(headers.get("if-none-match", "")):
        return Response(status_code=304, headers=said)
    if zipped:
        said["Content-Encoding"] = "gzip"
    return Response(body, 200, said, media_type)


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
