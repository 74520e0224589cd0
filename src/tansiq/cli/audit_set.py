"""The set that ``tansiq audit`` looks at: everything that some files hold, each entity once."""

import gc
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from tansiq.cli.files import STDIN, plain, read_input
from tansiq.domain.draft import PlanDraft, figure
from tansiq.errors import BadInput, TooLarge
from tansiq.formats.plans import read_airspace

FILES_MAX = 10_000
ENTITIES_MAX = 1_000_000
VOLUMES_MAX = 2_000_000
"""Of all entities together; some 4 kB each with what belongs to them."""
_STDIN_NAME = "standard input"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One plan or no-go area of the set."""

    draft: PlanDraft
    file: str
    """As it is shown."""
    party: str
    """Its manager, or where the file names none, the file."""

    @property
    def name(self) -> str:
        return plain(self.draft.name)

    @property
    def kind(self) -> str:
        return "no-go area " if self.draft.constraint else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSet:
    """What is held against each other. The order does not depend on that of the files."""

    members: tuple[Member, ...]
    files: tuple[str, ...]
    repeated: int
    """Entities that were in two files, the same in both, and count once."""

    @property
    def areas(self) -> int:
        return sum(member.draft.constraint for member in self.members)

    @property
    def volumes(self) -> int:
        return sum(len(member.draft.volumes) for member in self.members)

    def described(self) -> str:
        """Return what it comes to, in words."""
        areas = self.areas
        return (
            f"{counted(len(self.members) - areas, 'plan')} and {counted(areas, 'no-go area')} "
            f"({counted(self.volumes, 'volume')}) of {counted(len(self.files), 'file')}"
        )


def counted(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{figure(number)} {noun}{'' if number == 1 else 's'}"


def read_set(paths: Sequence[str], tell: Callable[[str], None]) -> AuditSet:
    """Read all files.

    Raises:
        BadInput: anything in them is malformed, the same file is there twice, or an id stands for
            two things.
    """
    if len(paths) > FILES_MAX:
        raise TooLarge(f"{len(paths)} files; at most {FILES_MAX}: join some", field="FILES")
    if len({_resolved(path) for path in paths}) < len(paths):
        raise click.UsageError("a file is given twice, or standard input; give each once")
    names, held, digests = _shown(paths), _Held(), dict[str, str]()
    gc.disable()  # Files make a million objects that are all kept: collecting costs a third.
    try:
        for k, path in enumerate(sorted(paths, key=names.__getitem__)):
            tell(f"reading file {k + 1} of {len(paths)}: {names[path]}")
            data, name = read_input(path)
            drafts = read_airspace(data, plain(name))
            digest = hashlib.sha256(data).hexdigest()
            if digest in digests and any(draft.id is None for draft in drafts):
                raise BadInput(
                    f"holds the same bytes as {digests[digest]}, so every plan would meet itself; "
                    "leave one of them out",
                    field=plain(name),
                )
            digests[digest] = plain(name)
            held.take(drafts, names[path])
    finally:
        gc.enable()
    return AuditSet(
        members=tuple(sorted(held.members, key=_place)),
        files=tuple(sorted(names.values())),
        repeated=held.repeated,
    )


class _Held:
    """What has been read so far."""

    def __init__(self) -> None:
        self.members: list[Member] = []
        self.repeated = self._volumes = 0
        self._by_id: dict[str, Member] = {}

    def take(self, drafts: Sequence[PlanDraft], file: str) -> None:
        for draft in drafts:
            member = Member(draft=draft, file=file, party=plain(draft.manager).strip() or file)
            if draft.id is not None:
                other = self._by_id.setdefault(draft.id, member)
                if other is not member:
                    _refuse_differing(other, member)
                    self.repeated += 1
                    continue
            self.members.append(member)
            self._volumes += len(draft.volumes)
        if len(self.members) > ENTITIES_MAX or self._volumes > VOLUMES_MAX:
            raise TooLarge(
                f"with {file} more than {ENTITIES_MAX:,} plans and areas, or {VOLUMES_MAX:,} "
                "volumes; audit the days, or regions, one by one",
                field="FILES",
            )


def _refuse_differing(one: Member, other: Member) -> None:
    a, b = one.draft, other.draft
    if set(a.volumes) == set(b.volumes) and a.constraint == b.constraint:
        return
    where = f"twice in {one.file}" if one.file == other.file else f"in {one.file} and {other.file}"
    raise BadInput(
        f"{a.id} ({one.name}) is {where}, not the same in both; leave out the one that is out of "
        "date, or give one of them another id",
        field="id",
    )


def _resolved(path: str) -> str:
    return path if path == STDIN else str(Path(path).resolve())


def _shown(paths: Sequence[str]) -> dict[str, str]:
    """Return the name under which each file is shown: short, where that tells them apart."""
    short = {path: Path(path).name for path in paths}
    if len(set(short.values())) < len(short):
        short = {path: path for path in paths}
    return {p: _STDIN_NAME if p == STDIN else plain(name) for p, name in short.items()}


def _place(member: Member) -> tuple[str, ...]:
    return member.name, member.party, member.draft.id or "", member.draft.source, member.file
