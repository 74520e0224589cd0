"""Which plan or no-go area somebody means: an id, the beginning of one, or a call sign."""

import re
from collections.abc import Iterable

from tansiq.cli.client import Node
from tansiq.errors import BadInput
from tansiq.services.views import Airspace, NoGoAreas, Plans

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

Named = tuple[str, str]
"""An id and a call sign or name."""


def plan_id(node: Node, text: str) -> str:
    """Return the id of the one plan that is meant; ended ones only where no other fits.

    Raises:
        BadInput: none, or several.
    """
    if _UUID.fullmatch(text.lower()):
        return text.lower()
    for ended in (False, True):
        query = {"ended": ended, "volumes": False}
        plans = node.ask("GET", "/plans", query=query).read(Plans).plans
        if found := _meant(text, [(plan.id, plan.callsign) for plan in plans]):
            return _only(text, found)
    raise _none(text, "plan")


def constraint_id(node: Node, text: str) -> str:
    """Return the id of the one no-go area that is meant; as ``plan_id``.

    Raises:
        BadInput: none, or several.
    """
    if _UUID.fullmatch(text.lower()):
        return text.lower()
    for ended in (False, True):
        areas = node.ask("GET", "/constraints", query={"ended": ended}).read(NoGoAreas).constraints
        if found := _meant(text, [(area.id, area.name) for area in areas]):
            return _only(text, found)
    raise _none(text, "constraint")


def plan_or_constraint_id(node: Node, text: str) -> str:
    """Return the id of the one plan or no-go area of ours that is meant; as ``plan_id``.

    Raises:
        BadInput: none, or several.
    """
    if _UUID.fullmatch(text.lower()):
        return text.lower()
    for ended in (False, True):
        query = {"ended": ended}
        plans = node.ask("GET", "/plans", query={**query, "volumes": False}).read(Plans).plans
        areas = node.ask("GET", "/constraints", query=query).read(NoGoAreas).constraints
        known = [(plan.id, plan.callsign) for plan in plans] + [(a.id, a.name) for a in areas]
        if found := _meant(text, known):
            return _only(text, found)
    raise BadInput(
        f"no plan or no-go area of ours fits {text!r}; `tansiq plan list --all` and `tansiq "
        "constraint list --all` show them",
        field="ID",
    )


def entity_id(node: Node, text: str) -> str:
    """Return the id of the one intent or no-go area of others that is meant.

    Raises:
        BadInput: none, or several.
    """
    if _UUID.fullmatch(text.lower()):
        return text.lower()
    entries = node.ask("GET", "/airspace").read(Airspace).entries
    if found := _meant(text, [(entry.id, entry.name) for entry in entries]):
        return _only(text, found)
    raise BadInput(f"nothing fits {text!r}; `tansiq airspace list` shows what is known", field="ID")


def _meant(text: str, known: Iterable[Named]) -> list[Named]:
    wanted = text.lower()
    return [
        (entity, name)
        for entity, name in known
        if name.lower() == wanted or (wanted and entity.startswith(wanted))
    ]


def _only(text: str, found: list[Named]) -> str:
    if len(found) == 1:
        return found[0][0]
    shown = ", ".join(f"{entity[:8]} {name}".rstrip() for entity, name in found[:5])
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    raise BadInput(f"{text} fits {len(found)}: {shown}{more}; write more of the id", field="ID")


def _none(text: str, kind: str) -> BadInput:
    return BadInput(f"nothing fits {text!r}; `tansiq {kind} list --all` shows them", field="ID")
