"""Plans and airspace as F3548-21 JSON: what suppliers tell each other, kept in a file.

Read are an ``OperationalIntent`` or ``Constraint`` (``reference`` and ``details``), a list of them,
or an object that holds them: ``operational_intents``, ``constraints``, and the answers
``operational_intent``, ``constraint``. What has no state is a constraint. Of the reference only id,
manager and state count here, so the rest may be left out. Off-nominal volumes count like others:
that is where the aircraft may be.
"""

from collections.abc import Iterator

import msgspec

from tansiq.domain import geodesy
from tansiq.domain.draft import Datum, PlanDraft, StatedBand, Units
from tansiq.domain.intent import IntentState
from tansiq.domain.volume import Volumes
from tansiq.errors import BadInput
from tansiq.f3548 import codec, convert, wire
from tansiq.formats.tree import Field, located

_LISTS = ("operational_intents", "constraints")
_SINGLES = ("operational_intent", "constraint")


class _Reference(msgspec.Struct, frozen=True):
    id: str
    manager: str = ""
    state: IntentState | None = None


class _Details(msgspec.Struct, frozen=True):
    volumes: tuple[wire.Volume4D, ...] | None = None
    off_nominal_volumes: tuple[wire.Volume4D, ...] | None = None
    priority: int | None = None
    tansiq: wire.TansiqDetails | None = None


class _Entity(msgspec.Struct, frozen=True):
    reference: _Reference
    details: _Details


def is_f3548(document: Field) -> bool:
    """Report whether a document looks like F3548 JSON rather than anything else."""
    if isinstance(document.value, list):
        return True
    members = document.members()
    return "reference" in members or any(name in members for name in (*_LISTS, *_SINGLES))


def drafts(document: Field) -> Iterator[PlanDraft]:
    """Yield every intent and constraint, in the file's order.

    Raises:
        BadInput: anything wrong with it.
    """
    for entity in _entities(document):
        yield _draft(entity)


def _entities(document: Field) -> Iterator[Field]:
    if isinstance(document.value, list):
        yield from document.items()
    elif "reference" in document.members():
        yield document
    else:
        for name in _LISTS:
            if held := document.get(name):
                yield from held.items()
        for name in _SINGLES:
            if held := document.get(name):
                yield held


def _draft(field: Field) -> PlanDraft:
    field.members()
    try:
        entity = codec.from_tree(field.value, _Entity)
        return _meaning(entity, field.path)
    except BadInput as error:
        if error.field == "body":  # The decoder's name for the whole of what it was given.
            raise located(error, field.path or "reference") from error
        raise (convert.within(error, field.path) if field.path else error) from error


def _meaning(entity: _Entity, source: str) -> PlanDraft:
    details, constraint = entity.details, entity.reference.state is None
    if constraint:
        volumes = convert.constraint_volumes(details.volumes or (), "details.volumes")
    else:
        volumes = convert.volumes_to_domain(details.volumes or (), "details.volumes")
    off_nominal = convert.volumes_to_domain(
        details.off_nominal_volumes or (), "details.off_nominal_volumes"
    )
    _check_outlines(volumes, "details.volumes")
    _check_outlines(off_nominal, "details.off_nominal_volumes")
    extra = details.tansiq or wire.TansiqDetails()
    try:
        return PlanDraft(
            volumes=volumes + off_nominal,
            stated=tuple(_stated(volumes + off_nominal)),
            id=convert.entity_id(entity.reference.id, "reference.id"),
            callsign=extra.callsign or "",
            formation=extra.formation or "",
            category=convert.category(extra.category, "category"),
            priority=details.priority or 0,
            constraint=constraint,
            manager=entity.reference.manager,
            source=source,
        )
    except BadInput as error:
        if error.field in ("volumes", "priority"):
            raise convert.within(error, "details") from error
        if error.field in ("callsign", "formation", "category"):
            raise convert.within(error, "details.tansiq") from error
        raise


def _check_outlines(volumes: Volumes, path: str) -> None:
    for index, volume in enumerate(volumes):
        try:
            geodesy.check_outline(volume.outline)
        except BadInput as error:
            raise convert.within(error, f"{path}[{index}].volume.outline_polygon") from error


def _stated(volumes: Volumes) -> Iterator[StatedBand]:
    for volume in volumes:
        band = volume.altitude
        yield StatedBand(lower=band.lower_m, upper=band.upper_m, units=Units.M, datum=Datum.W84)
