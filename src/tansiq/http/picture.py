"""The picture for programs that are not ours: KML, GeoJSON, Cursor on Target, and the watch itself.

Handlers only: ``services/watch/picture.py`` writes each format once a second at most, and every
reader is answered with the same bytes, or with 304 where it has them.
"""

from typing import Final

from starlette.responses import Response

from tansiq.formats import cot_picture, geojson_picture, kml_picture
from tansiq.http.conditional import conditional, takes_gzip
from tansiq.http.guard import QUERY_TOKEN
from tansiq.http.operations import Call
from tansiq.http.own_handlers import OwnApi
from tansiq.services.watch.picture import Form

PATH: Final = "/api/v1/picture.kml"
MEDIA_TYPES: Final = {
    Form.KML: kml_picture.MEDIA_TYPE,
    Form.GEOJSON: geojson_picture.MEDIA_TYPE,
    Form.COT: cot_picture.MEDIA_TYPE,
}


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


async def get_stream(api: OwnApi, call: Call) -> Response:
    return api.watch_stream.open(call.query["alive_s"])


async def _picture(api: OwnApi, call: Call, form: Form) -> Response:
    written = await api.pictures.written(form)
    headers = call.request.headers
    zipped = takes_gzip(headers)
    return conditional(
        headers,
        written.gzipped if zipped else written.body,
        tag=written.tag,
        media_type=MEDIA_TYPES[form],
        zipped=zipped,
        # Kept, but never shown without having asked whether it is still so.
        said={"Cache-Control": "private, no-cache"},
    )
