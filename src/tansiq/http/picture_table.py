"""Routes of the picture: for maps, for other programs, and for whoever follows the watch."""

from tansiq.http import picture
from tansiq.http.access import FEED, VIEWER
from tansiq.http.feed import MEDIA_TYPE
from tansiq.http.guard import QUERY_TOKEN
from tansiq.http.operations import Kind, Operation, Query
from tansiq.http.own_handlers import ALIVE_S, OwnApi
from tansiq.services.watch.picture import Form

_TOKEN = Query(
    name=QUERY_TOKEN,
    kind=Kind.STRING,
    text="A feed token, for programs that can send no header; others send it as a bearer token.",
)
_READ = {200: "As it is now; at most a second old.", 304: "The reader has it."}

PICTURE_OPERATIONS: tuple[Operation[OwnApi], ...] = (
    Operation(
        method="GET",
        path=picture.PATH,
        name="get_picture_kml",
        summary="The live picture for Google Earth and its kin.",
        access=FEED,
        handle=picture.get_kml,
        reply=picture.MEDIA_TYPES[Form.KML],
        statuses=_READ,
        query=(_TOKEN,),
    ),
    Operation(
        method="GET",
        path="/api/v1/picture-link.kml",
        name="get_picture_link",
        summary="A file that has a map follow the picture; repeats a token of its own address.",
        access=FEED,
        handle=picture.get_link,
        reply=picture.MEDIA_TYPES[Form.KML],
        statuses={200: "To be kept as a file and opened."},
        query=(_TOKEN,),
    ),
    Operation(
        method="GET",
        path="/api/v1/picture.geojson",
        name="get_picture_geojson",
        summary="The live picture as GeoJSON, for QGIS, map libraries and other programs.",
        access=FEED,
        handle=picture.get_geojson,
        reply=picture.MEDIA_TYPES[Form.GEOJSON],
        statuses=_READ,
        query=(_TOKEN,),
    ),
    Operation(
        method="GET",
        path="/api/v1/picture.cot",
        name="get_picture_cot",
        summary="What counts now or soon, as Cursor on Target events in one XML document.",
        access=FEED,
        handle=picture.get_cot,
        reply=picture.MEDIA_TYPES[Form.COT],
        statuses=_READ,
        query=(_TOKEN,),
    ),
    Operation(
        method="GET",
        path="/api/v1/watch/stream",
        name="stream_watch",
        summary="Follow the watch, as server-sent events: each is the whole picture.",
        access=VIEWER,
        handle=picture.get_stream,
        reply=MEDIA_TYPE,
        statuses={200: "The newest picture each time; a comment when idle."},
        query=(ALIVE_S,),
    ),
)
