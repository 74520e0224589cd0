"""Volumes in words, to be read aloud to a counterpart and read back: first as coded phrases, which
mean the same in every language, then in one of them.

A single volume is told in full. Of several, each of the first ``VOLUMES_SHOWN`` is, and before them
what they have in common: a circle around all, the levels, the times. What is compared with a
read-back (``domain/readback.py``) is what stands here, from the same values.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tansiq.domain.draft import NAME_CHARS_MAX, PlanDraft, StatedBand
from tansiq.domain.phrase import Phrase, Value
from tansiq.domain.readback import CORNERS_MAX, Told, rounded_down, rounded_up, told
from tansiq.domain.volume import LatLng, Polygon, Volume4D, Volumes
from tansiq.formats.phrase_book import render
from tansiq.formats.spelling import Setting

VOLUMES_SHOWN: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What is put into words: volumes with their name.

    ``name`` is a call sign, or a place for a no-go area. ``stated`` has a band for each volume, or
    none at all where only metres W84 are known.
    """

    name: str
    no_go: bool
    volumes: Volumes
    stated: tuple[StatedBand, ...] = ()

    @classmethod
    def of(cls, draft: PlanDraft) -> "Spoken":
        """Return what a draft says."""
        return cls(
            name=draft.name[:NAME_CHARS_MAX].strip(),  # A place in a file may be longer.
            no_go=draft.constraint,
            volumes=draft.volumes,
            stated=draft.stated,
        )


def words(spoken: Spoken, language: str, setting: Setting | None = None) -> tuple[str, ...]:
    """Return the sentences that tell volumes in a language, in order."""
    phrases = phrases_of(spoken)
    return tuple(render(each.code, each.parameters, language, setting) for each in phrases)


def phrases_of(spoken: Spoken) -> tuple[Phrase, ...]:
    """Return the phrases that tell volumes, in order."""
    return tuple(_phrases(spoken))


def _phrases(spoken: Spoken) -> Iterator[Phrase]:
    volumes, count = spoken.volumes, len(spoken.volumes)
    if spoken.no_go:
        yield _phrase("area", place=spoken.name, volumes=count)
    else:
        yield _phrase("plan", flight=spoken.name, volumes=count)
    if count == 1:
        yield from _volume(volumes[0], spoken.stated)
        return
    whole = told(volumes, spoken.stated)
    yield _circle("all-within", whole)
    yield from _levels("all-levels", whole)
    yield _phrase("all-times", start=at(whole.start), end=at(whole.end))
    for i, volume in enumerate(volumes[:VOLUMES_SHOWN]):
        yield _phrase("one-of", number=i + 1, total=count)
        yield from _volume(volume, spoken.stated[i : i + 1])
    if count > VOLUMES_SHOWN:
        yield _phrase("more-volumes", volumes=count - VOLUMES_SHOWN)


def _volume(volume: Volume4D, stated: Sequence[StatedBand]) -> Iterator[Phrase]:
    single = told((volume,), stated)
    if not isinstance(volume.outline, Polygon):
        yield _circle("circle", single)
    elif len(volume.outline.vertices) > CORNERS_MAX:
        yield _phrase("polygon-of-many", corners=len(volume.outline.vertices))
        yield _circle("all-within", single)
    else:
        yield _phrase("polygon", corners=len(single.points))
        for i, point in enumerate(single.points):
            yield _phrase("corner", number=i + 1, position=position(point))
    yield from _levels("levels", single)
    ground = stated[0].ground if stated else None
    if ground is not None:
        yield _phrase(
            "ground",
            lower=f"{rounded_down(ground.lowest_m)} m {ground.datum}",
            upper=f"{rounded_up(ground.highest_m)} m {ground.datum}",
        )
    yield _phrase("times", start=at(single.start), end=at(single.end))


def _circle(code: str, of: Told) -> Phrase:
    assert of.radius_m is not None  # noqa: S101 - what is told by its centre has a radius
    return _phrase(code, position=position(of.points[0]), radius=of.radius_m)


def _levels(code: str, of: Told) -> Iterator[Phrase]:
    yield _phrase(code, lower=of.lower[0], upper=of.upper[0])
    if len(of.lower) > 1:
        yield _phrase("converted", lower=of.lower[1], upper=of.upper[1])


def _phrase(name: str, **parameters: Value) -> Phrase:
    return Phrase(code=f"volume.{name}", parameters=parameters)


def position(place: LatLng) -> str:
    """Write a place as phrases carry it: degrees to the seventh decimal, a centimetre."""
    return f"{_degrees(place.lat_deg)},{_degrees(place.lng_deg)}"


def _degrees(value_deg: float) -> str:
    text = f"{value_deg:.7f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def at(moment: datetime) -> str:
    """Write a time as phrases carry it, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
