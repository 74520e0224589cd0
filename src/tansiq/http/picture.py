"""The picture for programs that are not ours: KML, GeoJSON, Cursor on Target, and the watch itself.

Handlers only: ``services/watch/picture.py`` writes each format once a second at most, and every
reader is answered with the same bytes, or with 304 where it has them.
"""

import re
from typing import Final

from starlette.responses import Response

from tansiq.formats import cot_picture, geojson_picture, kml_picture
from tansiq.http.guard import QUERY_TOKEN
from tansiq.http.operations import Call
from tansiq.http.own_handlers import OwnApi
from tansiq.services.watch.picture import Form, Written

PATH: Final = "/api/v1/picture.kml"
MEDIA_TYPES: Final = {
    Form.KML: kml_picture.MEDIA_TYPE,
    Form.GEOJSON: geojson_picture.MEDIA_TYPE,
    Form.COT: cot_picture.MEDIA_TYPE,
}
_TAG: Final = re.compile(r'(?:W/)?"([^"]*)"')
_GZIP: Final = re.compile(r"(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=([0-9.]{1,5})\s*)?(?=,|$)", re.I)


async def get_kml(api: OwnApi, call: Call) -> Response:
    return await _picture(api, call, Form.KML)


async def get_geojson(api: OwnApi, call: Call) -> Response:
    return await _picture(api, call, Form.GEOJSON)


async def get_cot(api: OwnApi, call: Call) -> Response:
    return await _picture(api, call, Form.COT)


async def get_link(api: OwnApi, call: Call) -> Response:
    request = call.request
    # The guard has looked at the Host: it is this machine, and this port.
    url = f"{request.url.scheme}://{request.headers['host']}{PATH}"
    if token := call.query[QUERY_TOKEN]:
        # Asked for: who puts a token into this address wants it in the link, and no other is known.
        url = str(request.url.replace(path=PATH).include_query_params(**{QUERY_TOKEN: token}))
    timers, party = api.settings.timers, api.settings.party
    body = kml_picture.link(url, party=party, refresh_s=timers.picture_link_s)
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": 'attachment; filename="tansiq-picture.kml"',
    }
    return Response(body, 200, headers, kml_picture.MEDIA_TYPE)


async def get_stream(api: OwnApi, _: Call) -> Response:
    return api.watch_stream.open()


async def _picture(api: OwnApi, call: Call, form: Form) -> Response:
    written = await api.pictures.written(form)
    headers = call.request.headers
    zipped = _takes_gzip(headers.get("accept-encoding", ""))
    tag = _tag(written, zipped=zipped)
    said = {
        "ETag": f'"{tag}"',
        # Kept, but never shown without having asked whether it is still so.
        "Cache-Control": "private, no-cache",
        "Vary": "Accept-Encoding",
    }
    if tag in _tags(headers.get("if-none-match", "")):
        return Response(status_code=304, headers=said)
    if zipped:
        said["Content-Encoding"] = "gzip"
    body = written.gzipped if zipped else written.body
    return Response(body, 200, said, MEDIA_TYPES[form])


def _tag(written: Written, *, zipped: bool) -> str:
    # Other bytes, another tag (RFC 9110, 8.8.3.3).
    return f"{written.tag}-gzip" if zipped else written.tag


def _tags(header: str) -> list[str]:
    return _TAG.findall(header)


def _takes_gzip(header: str) -> bool:
    """Report whether a reader takes gzip, by its Accept-Encoding (RFC 9110, 12.5.3)."""
    return any(not weight or _float(weight) > 0 for weight in _GZIP.findall(header))


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
