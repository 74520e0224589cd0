"""Read plan and airspace files, whichever of the two formats they are in.

The formats are told apart by their content, not by the file's name.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from tansiq.domain.draft import PlanDraft
from tansiq.domain.volume import Outline
from tansiq.errors import BadInput
from tansiq.formats import geojson
from tansiq.formats.tree import Field, located, parse
from tansiq.settings import Limits

_NEITHER = (
    "is neither GeoJSON (a type and features) nor F3548 JSON (reference and details, or a list of "
    "them); see docs/plan-files.md for one of each"
)


def read_plan(data: bytes, name: str = "", *, limits: Limits | None = None) -> PlanDraft:
    """Return the one plan that a file holds. ``name`` goes before the path in errors.

    Raises:
        BadInput: it holds none, several, a no-go area, or is malformed.
    """
    with _named(name):
        return _of_kind(_one(data, limits or Limits()), constraint=False)


def read_constraint(data: bytes, name: str = "", *, limits: Limits | None = None) -> PlanDraft:
    """Return the one no-go area that a file holds.

    Raises:
        BadInput: it holds none, several, a plan, or is malformed.
    """
    with _named(name):
        return _of_kind(_one(data, limits or Limits()), constraint=True)


def read_one(data: bytes, name: str = "", *, limits: Limits | None = None) -> PlanDraft:
    """Return the one plan or no-go area that a file holds.

    Raises:
        BadInput: it holds none, several, or is malformed.
    """
    with _named(name):
        return _one(data, limits or Limits())


def read_airspace(
    data: bytes, name: str = "", *, limits: Limits | None = None
) -> tuple[PlanDraft, ...]:
    """Return all plans and no-go areas that a file holds, in its order; an empty sky is good.

    Raises:
        BadInput: anything in it is malformed; nothing is skipped.
    """
    with _named(name):
        return tuple(_drafts(_parsed(data, limits or Limits())))


def read_outline(data: bytes, name: str = "", *, limits: Limits | None = None) -> Outline:
    """Return the one outline that a GeoJSON file holds, whatever else it says of it.

    Raises:
        BadInput: it holds none, several, or is malformed.
    """
    with _named(name):
        document = _parsed(data, limits or Limits())
        if not _is_geojson(document):
            raise BadInput("is not GeoJSON: a Feature with a Polygon, or a Point with radius_m")
        return geojson.only_outline(document)


@contextmanager
def _named(name: str) -> Iterator[None]:
    try:
        yield
    except BadInput as error:
        if not name:
            raise
        raise located(error, f"{name}: {error.field}" if error.field else name) from error


def _parsed(data: bytes, limits: Limits) -> Field:
    return Field(parse(data, bytes_max=limits.file_bytes_max, depth_max=limits.json_depth_max))


def _one(data: bytes, limits: Limits) -> PlanDraft:
    document = _parsed(data, limits)
    if _is_geojson(document):
        return geojson.plan_draft(document)
    found = tuple(_drafts(document))
    if len(found) != 1:
        raise BadInput(f"holds {len(found)} entities; a plan file holds one: split the file")
    return found[0]


def _drafts(document: Field) -> Iterator[PlanDraft]:
    if _is_geojson(document):
        return geojson.airspace_drafts(document)
    from tansiq.formats import f3548_file  # Its decoder takes 15 ms that GeoJSON can do without.

    if not f3548_file.is_f3548(document):
        raise BadInput(_NEITHER)
    return f3548_file.drafts(document)


def _is_geojson(document: Field) -> bool:
    return isinstance(document.value, dict) and "type" in document.value


def _of_kind(draft: PlanDraft, *, constraint: bool) -> PlanDraft:
    if draft.constraint and not constraint:
        raise BadInput(
            "is a no-go area where a plan is wanted; for a plan leave type out (F3548: give a "
            "state), for a no-go area use tansiq constraint submit",
            field="type",
        )
    if constraint and not draft.constraint:
        raise BadInput(
            'is a plan where a no-go area is wanted; add "type": "constraint" to the properties '
            "(F3548: no state), or use tansiq plan submit",
            field="type",
        )
    return draft
