"""Plan and airspace files, both formats: what they mean. What is refused is in tests/museum."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.formats.build import (
    OTHER_ID,
    PLAN_ID,
    SQUARE,
    collection,
    constraint,
    feature,
    intent,
    point,
    raw,
    wire_volume,
)

from tansiq.domain.category import Category
from tansiq.domain.draft import Datum, PlanDraft
from tansiq.domain.volume import Circle, LatLng, Polygon
from tansiq.errors import BadInput, TooLarge
from tansiq.formats import geojson
from tansiq.formats.plans import read_airspace, read_constraint, read_plan


def test_a_feature_is_a_plan() -> None:
    draft = read_plan(raw(feature(id=PLAN_ID.upper(), formation="lead")))
    assert (draft.id, draft.callsign, draft.priority, draft.formation) == (
        PLAN_ID,
        "OSPREY-2",
        3,
        "lead",
    )
    [volume] = draft.volumes
    assert volume.outline == Polygon(vertices=tuple(LatLng(y, x) for x, y in SQUARE[:-1]))
    assert volume.time.start == datetime(2026, 6, 1, 14, 40, tzinfo=UTC)
    assert str(draft.stated[0]) == "900-1,200 m AMSL"
    assert 870 < volume.altitude.lower_m < 880  # The geoid is 26 m below the ellipsoid there.


def test_a_point_with_radius_is_a_circle() -> None:
    [volume] = read_plan(raw(point(radius_m=250.5))).volumes
    assert volume.outline == Circle(center=LatLng(38.5, -120.2), radius_m=250.5)


def test_a_multipolygon_is_several_volumes_of_one_band() -> None:
    other = [[x + 1, y] for x, y in SQUARE]
    geometry = {"type": "MultiPolygon", "coordinates": [[SQUARE], [other]]}
    draft = read_plan(raw(feature(geometry)))
    assert len(draft.volumes) == len(draft.stated) == 2
    assert draft.volumes[0].time == draft.volumes[1].time


def test_a_collection_is_one_plan_in_a_plan_file() -> None:
    parts = [feature(), feature(callsign=None, priority=None), feature(id=PLAN_ID)]
    draft = read_plan(raw(collection(*parts)))
    assert (len(draft.volumes), draft.id, draft.callsign) == (3, PLAN_ID, "OSPREY-2")


@pytest.mark.parametrize("name", ["id", "callsign"])
def test_two_plans_in_a_plan_file_are_refused(name: str) -> None:
    values = {"id": (PLAN_ID, OTHER_ID), "callsign": ("A", "B")}[name]
    with pytest.raises(BadInput, match="one plan") as caught:
        read_plan(raw(collection(*(feature(**{name: value}) for value in values))))
    assert caught.value.field == f"properties.{name}"


def test_an_airspace_file_groups_by_id_then_call_sign_then_feature() -> None:
    drafts = read_airspace(
        raw(
            collection(
                feature(id=PLAN_ID, callsign="A"),
                feature(callsign="B"),
                feature(callsign=None),
                feature(id=PLAN_ID, callsign="A"),
                feature(callsign=None),
                feature(callsign="B"),
                feature(callsign="A"),
            )
        )
    )
    assert [(len(d.volumes), d.id, d.callsign, d.source) for d in drafts] == [
        (2, PLAN_ID, "A", "features[0]"),
        (2, None, "B", "features[1]"),
        (1, None, "", "features[2]"),
        (1, None, "", "features[4]"),
        (1, None, "A", "features[6]"),
    ]
    assert drafts[2].name == "features[2]"


def test_an_empty_sky_is_good_airspace_but_no_plan() -> None:
    assert read_airspace(raw(collection())) == ()
    assert read_airspace(b"[]") == ()
    with pytest.raises(BadInput, match="at least one volume"):
        read_plan(raw(collection()))


def test_a_feature_of_type_constraint_is_a_no_go_area() -> None:
    data = raw(feature(type="constraint"))
    assert read_constraint(data).constraint
    assert [draft.constraint for draft in read_airspace(data)] == [True]
    with pytest.raises(BadInput, match="constraint submit"):
        read_plan(data)
    with pytest.raises(BadInput, match="plan submit"):
        read_constraint(raw(feature()))


def test_the_features_own_id_counts_only_as_a_uuid() -> None:
    assert read_plan(raw({**feature(), "id": PLAN_ID})).id == PLAN_ID
    assert read_plan(raw({**feature(), "id": 17})).id is None
    assert read_plan(raw({**feature(id=OTHER_ID), "id": PLAN_ID})).id == OTHER_ID


@pytest.mark.parametrize("name", ["stroke", "fill-opacity", "title", "state", "marker-color"])
def test_properties_of_others_are_ignored(name: str) -> None:
    assert read_plan(raw(feature(**{name: "x"}))).callsign == "OSPREY-2"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("prioriti", "priority"),
        ("Radius", "radius_m"),
        ("call_sign", "callsign"),
        ("UNIT", "units"),
        ("CATEGORY", "category"),
    ],
)
def test_misspelt_properties_are_refused_with_the_right_name(name: str, meant: str) -> None:
    with pytest.raises(BadInput, match=f"did you mean {meant}") as caught:
        read_plan(raw(feature(**{name: 1})))
    assert caught.value.field == f"properties.{name}"


def test_times_round_outwards() -> None:
    draft = read_plan(
        raw(feature(start="2026-06-01T16:40:00.1234569+02:00", end="2026-06-01T14:55:00.0000001Z"))
    )
    assert draft.volumes[0].time.start == datetime(2026, 6, 1, 14, 40, 0, 123456, tzinfo=UTC)
    assert draft.volumes[0].time.end == datetime(2026, 6, 1, 14, 55, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize("year", ["1900", "1970", "2020", "2200"])
def test_any_date_is_good_input(year: str) -> None:
    read_plan(raw(feature(start=f"{year}-01-02T00:00:00Z", end=f"{year}-01-02T00:00:00Z")))


def test_lower_may_equal_upper_and_start_may_equal_end() -> None:
    draft = read_plan(raw(feature(lower=900, upper=900, start="2026-06-01T14:55:00Z")))
    assert draft.volumes[0].time.end - draft.volumes[0].time.start == timedelta(0)


def test_document_reads_back_the_same() -> None:
    parts = [
        feature(id=PLAN_ID, formation="lead", category="helicopter"),
        point(id=PLAN_ID, lower=95, upper=120, datum="FL", units=None),
        feature(id=PLAN_ID, datum="AGL", units="FT", ground_m=[10, 20], ground_datum="AMSL"),
    ]
    draft = read_plan(raw(collection(*parts)))
    again = read_plan(json.dumps(geojson.document(draft)).encode())
    assert again == draft
    assert draft.category is Category.HELICOPTER
    assert [band.datum for band in draft.stated] == [Datum.AMSL, Datum.FL, Datum.AGL]


def test_swapped_outline() -> None:
    draft = read_plan(raw(feature({"type": "Point", "coordinates": [20, 60]}, radius_m=5)))
    assert geojson.swapped(draft.volumes[0].outline) == Circle(center=LatLng(20, 60), radius_m=5)
    assert geojson.swapped(read_plan(raw(feature())).volumes[0].outline) is None


def _f3548(document: object) -> tuple[PlanDraft, ...]:
    return read_airspace(raw(document))


@pytest.mark.parametrize(
    "document",
    [
        intent(),
        [intent()],
        {"operational_intents": [intent()]},
        {"operational_intent": intent()},
        {"operational_intents": [intent()], "constraints": None},
    ],
)
def test_f3548_intents_in_all_wrappings(document: object) -> None:
    [draft] = _f3548(document)
    assert (draft.id, draft.manager, draft.constraint) == (OTHER_ID, "south", False)
    assert draft == read_plan(raw(document))
    assert (draft.volumes[0].altitude.lower_m, str(draft.stated[0])) == (900, "900-1,200 m W84")


def test_f3548_constraints_have_no_state_and_may_leave_altitudes_open() -> None:
    [draft] = _f3548({"constraints": [constraint()]})
    assert draft.constraint
    open_above = constraint()
    del open_above["details"]["volumes"][0]["volume"]["altitude_upper"]
    [draft] = _f3548(open_above)
    assert draft.volumes[0].altitude.upper_m == 100_000


def test_f3548_off_nominal_volumes_count() -> None:
    [draft] = _f3548([intent(state="Contingent", volumes=[], off_nominal_volumes=[wire_volume()])])
    assert len(draft.volumes) == 1
    [draft] = _f3548([intent(state="Nonconforming", off_nominal_volumes=[wire_volume()])])
    assert len(draft.volumes) == 2


def test_f3548_needs_no_more_of_the_reference_than_counts_here() -> None:
    entity = intent(tansiq={"callsign": "OSPREY-2"})
    entity["reference"] = {"id": OTHER_ID, "state": "Activated"}
    [draft] = _f3548(entity)
    assert draft.name == "OSPREY-2"


def test_a_category_is_read_of_either_format_and_need_not_be_there() -> None:
    for word in Category:
        assert read_plan(raw(feature(category=word))).category is word
        [draft] = _f3548(intent(tansiq={"category": word}))
        assert draft.category is word
    assert read_plan(raw(feature())).category is read_plan(raw(feature(category=""))).category
    [draft] = _f3548(intent(tansiq={"callsign": "A"}))
    assert draft.category is None
    # Of several features one is enough.
    [draft] = read_airspace(raw(collection(feature(), feature(category="drone"))))
    assert draft.category is Category.DRONE


def test_f3548_keeps_sub_microsecond_ends() -> None:
    end = {"value": "2026-06-01T14:55:00.0000001Z", "format": "RFC3339"}
    [draft] = _f3548([intent(wire_volume(time_end=end))])
    assert draft.volumes[0].time.end.microsecond == 1


def test_limits_of_one_plan() -> None:
    """1,000 volumes and 10,000 vertices pass, one more does not."""
    assert len(read_plan(raw(collection(*[point()] * 1_000))).volumes) == 1_000
    with pytest.raises(TooLarge, match="at most 1000"):
        read_plan(raw(collection(*[point()] * 1_001)))
    assert len(read_plan(raw(collection(*[feature()] * 1_000))).volumes) == 1_000
    wide = [[-120.2 + i / 1e4, 38.5 + (i % 2) / 1e4] for i in range(6_001)]
    ring = [*wide, [-119.0, 38.6], [-120.2, 38.6], wide[0]]
    half = feature({"type": "Polygon", "coordinates": [ring]})
    with pytest.raises(TooLarge, match="at most 10000"):
        read_plan(raw(collection(half, half)))


def test_the_examples_of_the_documents_are_good() -> None:
    text = (Path(__file__).parents[2] / "docs" / "plan-files.md").read_text(encoding="utf-8")
    blocks = [block.split("```")[0] for block in text.split("```json\n")[1:]]
    drafts = [read_plan(block.encode()) for block in blocks[:2]]
    assert [str(draft.stated[0]) for draft in drafts] == ["900-1,200 m AMSL", "875-1,175 m W84"]
    assert json.loads(blocks[2]).keys() == {"verdict", "conflicts"}
