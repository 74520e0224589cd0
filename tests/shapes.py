"""Outlines for tests: by hand, and as hypothesis strategies that go where maps are awkward."""

from hypothesis import strategies as st

from tansiq.domain import geodesy
from tansiq.domain.volume import Circle, LatLng, Outline, Polygon


def polygon(*vertices: tuple[float, float]) -> Polygon:
    return Polygon(vertices=tuple(LatLng(lat, lng) for lat, lng in vertices))


def ring(center: LatLng, radii_m: list[float], start_deg: float = 0.0) -> Polygon:
    """Return a star polygon: one vertex per radius, evenly round the centre."""
    step = 360.0 / len(radii_m)
    return Polygon(
        vertices=tuple(
            geodesy.destination(center, start_deg + i * step, radius_m)
            for i, radius_m in enumerate(radii_m)
        )
    )


def box(center: LatLng, *, length_m: float, width_m: float, azimuth_deg: float) -> Polygon:
    """Return a rectangle along an azimuth."""
    corners = []
    for ahead, aside in ((1, 1), (1, -1), (-1, -1), (-1, 1)):
        on_axis = geodesy.destination(center, azimuth_deg, ahead * length_m / 2)
        corners.append(geodesy.destination(on_axis, azimuth_deg + 90.0, aside * width_m / 2))
    return Polygon(vertices=tuple(corners))


PLACES = st.one_of(
    st.builds(LatLng, st.floats(-90.0, 90.0), st.floats(-180.0, 180.0)),
    st.builds(LatLng, st.floats(89.9, 90.0), st.floats(-180.0, 180.0)),
    st.builds(LatLng, st.floats(-90.0, -89.9), st.floats(-180.0, 180.0)),
    st.builds(LatLng, st.floats(-70.0, 70.0), st.sampled_from([180.0, -180.0, 179.99, -179.99])),
)
AZIMUTHS = st.floats(0.0, 360.0)
SIZES_M = st.floats(1.5, 5.3).map(lambda exponent: 10.0**exponent)


@st.composite
def outlines(draw: st.DrawFn, center: LatLng, size_m: float) -> Outline:
    """Draw a circle, a star polygon or a sliver of about that size."""
    kind = draw(st.sampled_from(["circle", "star", "star", "sliver"]))
    if kind == "circle":
        return Circle(center=center, radius_m=size_m)
    azimuth_deg = draw(AZIMUTHS)
    if kind == "sliver":
        width_m = size_m * 10 ** draw(st.floats(-4.0, -1.0))
        return box(center, length_m=2 * size_m, width_m=width_m, azimuth_deg=azimuth_deg)
    shares = draw(st.lists(st.floats(0.15, 1.0), min_size=4, max_size=9))
    return ring(center, [size_m * share for share in shares], azimuth_deg)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Outline, Outline]:
    """Draw two outlines that overlap, nest or lie near each other."""
    center, size_m = draw(PLACES), draw(SIZES_M)
    other_m = size_m * 10 ** draw(st.floats(-1.0, 0.0))
    away_m = draw(st.floats(0.0, 3.0)) * size_m
    other = geodesy.destination(center, draw(AZIMUTHS), away_m)
    return draw(outlines(center, size_m)), draw(outlines(other, other_m))
