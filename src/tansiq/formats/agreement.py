"""The agreement file: TOML bytes to an ``Agreement``, and back.

The digest is over the bytes as they are, so both sides pass the file on unchanged: an editor that
turns line ends makes another agreement. Every error names its path, counted from 0, and a remedy.
The file has no key for what a flight is for. Described by example in ``docs/agreement.md``.
Rules about notices and versions are in ``agreement_rules``, desks in ``agreement_desks``, minima in
``agreement_minima``.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tansiq.domain.agreement import (
    Agreement,
    Formation,
    IfUnreachable,
    Minima,
    Party,
    Register,
)
from tansiq.domain.geodesy import check_outline
from tansiq.domain.intent import PartyID
from tansiq.domain.volume import (
    ALTITUDE_M_MAX,
    ALTITUDE_M_MIN,
    RADIUS_M_MAX,
    Circle,
    LatLng,
    Outline,
    Polygon,
)
from tansiq.errors import BadInput
from tansiq.formats.agreement_desks import read_desks, render_desk
from tansiq.formats.agreement_minima import read_minima, render_minima
from tansiq.formats.agreement_rules import (
    RULE_KEYS,
    read_edition,
    read_escalation,
    read_lead,
    read_silence,
    read_standing,
    read_timers,
    render_edition,
    render_rules,
)
from tansiq.formats.names import read_id, read_names, render_names
from tansiq.settings import is_loopback
from tansiq.strict_toml import Table, quote, read_toml, spell

PARTIES_MAX: Final = 32
FORMATIONS_MAX: Final = 1_000
AREA_KM2_DEFAULT: Final = 2_500.0
"""One volume or query, as F3548-21 suppliers are held to."""

_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|[0-9a-f:.]{2,45}", re.ASCII)
_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._~-]+)*", re.ASCII)

_KEYS: Final = (
    "name", "party", "area", "minima", "priority", "levels", "delay", "unreachable", "register",
    "formation", *RULE_KEYS,
)  # fmt: skip

_PARTY_KEYS: Final = ("id", "names", "public_key", "url", "tls_sha256", "desk")


def load_agreement(path: Path) -> Agreement:
    """Read the agreement from its file.

    Raises:
        BadInput: it cannot be read, or as in ``read_agreement``.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})", field=str(path)) from error
    return read_agreement(data)


def read_agreement(data: bytes) -> Agreement:
    """Read the agreement from the bytes of its file.

    Raises:
        BadInput: something is missing, unknown, of the wrong type or out of range.
    """
    top = read_toml(data, _KEYS, name="agreement")
    name = top.text("name", chars_max=120)
    parties = _parties(top)
    levels = top.table("levels", ("step_m", "lowest_m", "highest_m"), required=False)
    unreachable = top.table("unreachable", ("then", "hold"), required=False)
    area = top.table("area", ("polygon", "circle", "area_km2_max"))
    edition = read_edition(top, parties, _registers(top, parties))
    timers, (minima, between) = read_timers(top), read_minima(top)
    return Agreement(
        name=name,
        digest=hashlib.sha256(data).hexdigest(),
        parties=parties,
        registers=edition.registers,
        area=_area(area),
        area_km2_max=area.number("area_km2_max", default=AREA_KM2_DEFAULT, low=1e-3, high=1e8),
        minima=minima,
        between=between,
        equal_priority_blocks=top.table("priority", ("equal_blocks",), required=False).flag(
            "equal_blocks", default=True
        ),
        level_step_m=levels.number("step_m", default=300.0, low=1.0, high=10_000.0),
        levels_m=_levels(levels),
        delay_max=top.table("delay", ("longest",), required=False).duration(
            "longest", default=timedelta(hours=6), high=timedelta(days=7)
        ),
        if_unreachable=_then(unreachable),
        hold_limit=unreachable.duration(
            "hold", default=timedelta(seconds=60), high=timedelta(hours=1)
        ),
        formations=_formations(top),
        version=edition.version,
        previous=edition.previous,
        valid_until=edition.valid_until,
        lead=read_lead(top),
        timers=timers,
        escalation=read_escalation(top, parties, timers),
        silence=read_silence(top),
        standing=read_standing(top),
        struck=edition.struck,
        resting=edition.resting,
    )


@contextmanager
def _under(path: str) -> Iterator[None]:
    """Put a path before the field of errors that a value raises about itself."""
    try:
        yield
    except BadInput as error:
        field = f"{path}.{error.field}" if error.field else path
        raise BadInput(error.message, field=field) from error


def _parties(top: Table) -> tuple[Party, ...]:
    tables = top.tables("party", _PARTY_KEYS, count_max=PARTIES_MAX)
    parties = tuple(map(_party, tables))
    if not parties:
        raise top.wrong("party", "name at least one, each as a [[party]] table")
    for i, (table, party) in enumerate(zip(tables, parties, strict=True)):
        for other in parties[:i]:
            if party.id == other.id:
                raise table.wrong("id", f"{party.id} is taken by an earlier party")
            if party.public_key == other.public_key:
                raise table.wrong("public_key", f"party {other.id} has the same; each has its own")
            if party.url == other.url:
                raise table.wrong("url", f"party {other.id} has the same; each has its own")
    return parties


def _party(table: Table) -> Party:
    names = read_names(table)
    url = _url(table, "url", table.text("url"))
    tls = b""
    if url.startswith("https:"):
        tls = _sha256(table, "tls_sha256")
    elif "tls_sha256" in table:
        raise table.wrong("tls_sha256", "the url is plain http; leave this out or write https")
    return Party(
        id=PartyID(read_id(table, "id")),
        names=names,
        public_key=_public_key(table, "public_key"),
        url=url,
        tls_sha256=tls,
        desks=read_desks(table, names),
    )


def _url(table: Table, key: str, value: str) -> str:
    """Return a base URL in one spelling: lower-case host, no trailing slash."""
    try:
        parts = urlsplit(value)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise table.wrong(key, f"not a URL: {error}") from error
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(host) or port == 0:
        raise table.wrong(key, "write a URL such as https://192.0.2.10:8443")
    path = parts.path.rstrip("/")
    if "@" in parts.netloc or parts.query or parts.fragment or not _PATH.fullmatch(path):
        raise table.wrong(key, "write scheme, host, port and path only")
    if parts.scheme == "http" and not is_loopback(host):
        raise table.wrong(key, f"plain http is for this machine only, and {host} is not; use https")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port else "") + path


def _sha256(table: Table, key: str) -> bytes:
    """Return a fingerprint; colons between the bytes, as openssl writes them, are welcome."""
    try:
        value = bytes.fromhex(table.text(key).replace(":", ""))
    except ValueError:
        value = b""
    if len(value) != 32:
        raise table.wrong(key, "write the SHA-256 of the certificate: 64 hexadecimal digits")
    return value


def _public_key(table: Table, key: str) -> bytes:
    text = table.text(key)
    try:
        value = (
            bytes.fromhex(text)
            if len(text) == 64
            else base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
        )
    except (ValueError, binascii.Error):
        value = b""
    if len(value) != 32:
        raise table.wrong(key, "write an Ed25519 public key: 32 bytes in base64 or hexadecimal")
    if _is_weak(value):
        raise table.wrong(key, "this is a weak point of the curve: anybody could sign for it")
    return value


_P: Final = 2**255 - 19
_Y8: Final = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_WEAK_Y: Final = frozenset({0, 1, _P - 1, _Y8, _P - _Y8})
"""The y of every point whose order divides 8. Source: RFC 8032 section 5.1 for the curve."""


def _is_weak(public_key: bytes) -> bool:
    y = int.from_bytes(public_key, "little") & (2**255 - 1)
    return y % _P in _WEAK_Y


def _registers(top: Table, parties: Sequence[Party]) -> tuple[Register, ...]:
    tables = top.tables("register", ("id", "party", "url", "foreign"), count_max=PARTIES_MAX)
    if not tables:
        raise top.wrong("register", "name at least one, each as a [[register]] table, gate first")
    registers: list[Register] = []
    for table in tables:
        register = _register(table, parties)
        for other in registers:
            if register.id == other.id:
                raise table.wrong("id", f"{register.id} is taken by an earlier register")
            if register.url == other.url:
                raise table.wrong("url", f"register {other.id} has the same; name each once")
        registers.append(register)
    return tuple(registers)


def _register(table: Table, parties: Sequence[Party]) -> Register:
    party = None
    if "party" in table:
        name = table.text("party")
        party = next((party for party in parties if party.id == name), None)
        if party is None:
            ids = ", ".join(party.id for party in parties)
            raise table.wrong("party", f"no party has the id {name}; there are {ids}")
    elif "url" not in table:
        raise table.wrong("url", "missing; write party for a party's own register, or url")
    return Register(
        id=read_id(table, "id"),
        party=party.id if party else None,
        url=_url(table, "url", table.text("url", default=party.url if party else None)),
        foreign=table.flag("foreign", default=False),
    )


def _area(table: Table) -> Outline:
    if ("polygon" in table) == ("circle" in table):
        raise table.wrong("polygon", "write either polygon or circle")
    key = "circle" if "circle" in table else "polygon"
    if key == "circle":
        circle = table.table("circle", ("center", "radius_m"))
        center = _point(circle, "center", circle.array("center"))
        radius_m = circle.number("radius_m", low=1.0, high=RADIUS_M_MAX)
        outline: Outline = Circle(center=center, radius_m=radius_m)
    else:
        points = table.array("polygon")
        vertices = tuple(_point(table, f"polygon[{i}]", point) for i, point in enumerate(points))
        with _under("area.polygon"):
            outline = Polygon(vertices=vertices)
    with _under(f"area.{key}"):
        check_outline(outline)
    return outline


def _point(table: Table, key: str, value: object) -> LatLng:
    if not isinstance(value, list) or len(value) != 2:
        raise table.wrong(key, "write a point as [latitude, longitude], degrees")
    pair = Table({"lat": value[0], "lng": value[1]}, f"{table.path}.{key}", ("lat", "lng"))
    lat_deg, lng_deg = (pair.number(each, low=-1e3, high=1e3) for each in ("lat", "lng"))
    with _under(pair.path):
        return LatLng(lat_deg, lng_deg)


def _levels(table: Table) -> tuple[float, float]:
    low = table.number("lowest_m", default=-1_000.0, low=ALTITUDE_M_MIN, high=ALTITUDE_M_MAX)
    high = table.number("highest_m", default=20_000.0, low=ALTITUDE_M_MIN, high=ALTITUDE_M_MAX)
    if low > high:
        raise table.wrong("lowest_m", f"{low:g} is above highest_m, {high:g}; swap them")
    return low, high


def _then(table: Table) -> IfUnreachable:
    value = table.text("then", default=IfUnreachable.WAIT)
    if value not in set(IfUnreachable):
        raise table.wrong("then", f"{value!r} is not one of {', '.join(IfUnreachable)}")
    return IfUnreachable(value)


def _formations(top: Table) -> tuple[Formation, ...]:
    formations: list[Formation] = []
    for table in top.tables("formation", ("name", "callsigns"), count_max=FORMATIONS_MAX):
        name = table.text("name", chars_max=60)
        callsigns = frozenset(table.texts("callsigns", count_max=1_000, chars_max=60))
        if len(callsigns) < 2:
            raise table.wrong("callsigns", "a formation has at least two different call signs")
        if any(name == other.name for other in formations):
            raise table.wrong("name", f"{name} is taken by an earlier formation")
        formations.append(Formation(name=name, callsigns=callsigns))
    return tuple(formations)


def agreement_toml(
    *,
    name: str,
    parties: Sequence[Party],
    area: Outline,
    minima: Minima,
    area_km2_max: float = AREA_KM2_DEFAULT,
    formations: Sequence[Formation] = (),
) -> bytes:
    """Write the file for parties that each hold a register, the first one's being the gate."""
    return render_agreement(
        Agreement(
            name=name,
            digest="",
            parties=tuple(parties),
            registers=tuple(
                Register(id=party.id, party=party.id, url=party.url) for party in parties
            ),
            area=area,
            area_km2_max=area_km2_max,
            minima=minima,
            formations=tuple(formations),
        )
    )


def render_agreement(agreement: Agreement) -> bytes:
    """Write an agreement as a file; reading it gives the same values under the file's digest."""
    lowest_m, highest_m = agreement.levels_m
    blocks = [
        f"name = {quote(agreement.name)}\n{render_edition(agreement)}",
        *(party_block(party) for party in agreement.parties),
        f"[area]\n{_render_area(agreement.area)}\n"
        f"area_km2_max = {float(agreement.area_km2_max)!r}\n",
        *render_minima(agreement.minima, agreement.between),
        f"[priority]\nequal_blocks = {str(agreement.equal_priority_blocks).lower()}\n",
        f"[levels]\nstep_m = {float(agreement.level_step_m)!r}\n"
        f"lowest_m = {float(lowest_m)!r}\nhighest_m = {float(highest_m)!r}\n",
        f"[delay]\nlongest = {quote(spell(agreement.delay_max))}\n",
        f"[unreachable]\nthen = {quote(agreement.if_unreachable)}\n"
        f"hold = {quote(spell(agreement.hold_limit))}\n",
        *(_register_block(agreement, register) for register in agreement.listed),
        *render_rules(agreement),
        *(
            f"[[formation]]\nname = {quote(formation.name)}\n"
            f"callsigns = [{', '.join(map(quote, sorted(formation.callsigns)))}]\n"
            for formation in agreement.formations
        ),
    ]
    return "\n".join(blocks).encode()


def party_block(party: Party) -> str:
    """Write one party as it stands in the file: what its desk sends to the others."""
    lines = [
        "[[party]]",
        f"id = {quote(party.id)}",
        render_names(party.names),
        f"public_key = {quote(base64.b64encode(party.public_key).decode())}",
        f"url = {quote(party.url)}",
    ]
    if party.tls_sha256:
        lines.append(f"tls_sha256 = {quote(party.tls_sha256.hex())}")
    return "\n".join(["\n".join(lines) + "\n", *map(render_desk, party.desks)])


def read_party_block(text: str) -> Party:
    """Read one party as its desk sent it.

    Raises:
        BadInput: as in ``read_agreement``; or not exactly one party.
    """
    top = read_toml(text.encode(), ("party",), name="party")
    tables = top.tables("party", _PARTY_KEYS, count_max=1)
    if not tables:
        raise top.wrong("party", "missing; write one [[party]] table")
    try:
        return _party(tables[0])
    except BadInput as error:
        field = (error.field or "party").removeprefix("party[0].")
        raise BadInput(error.message, field=field) from error


def _register_block(agreement: Agreement, register: Register) -> str:
    lines = ["[[register]]", f"id = {quote(register.id)}"]
    party = agreement.party(register.party) if register.party else None
    if party:
        lines.append(f"party = {quote(party.id)}")
    if party is None or party.url != register.url:
        lines.append(f"url = {quote(register.url)}")
    if register.foreign:
        lines.append("foreign = true")
    return "\n".join(lines) + "\n"


def _render_area(area: Outline) -> str:
    if isinstance(area, Circle):
        center = _render_point(area.center)
        return f"circle = {{ center = {center}, radius_m = {float(area.radius_m)!r} }}"
    return "polygon = [\n" + "".join(f"  {_render_point(v)},\n" for v in area.vertices) + "]"


def _render_point(point: LatLng) -> str:
    return f"[{float(point.lat_deg)!r}, {float(point.lng_deg)!r}]"
