"""Cases for the vectors: payloads, beside what is just taken what is just not."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256

from vector_parts import in_runs, taken
from vector_texts import by_kind

from tansiq.domain.note import PAYLOAD_BYTES_MAX, Kind
from tansiq.formats.payload import check_fit, read_payload

BY = '"by":{"name":"A. Karam","initials":"AK"}'
CIRCLE = '"outline_circle":{"center":{"lat":38.5,"lng":-120.25},"radius":{"value":90,"units":"M"}}'
POLYGON = (
    '"outline_polygon":{"vertices":[{"lat":38,"lng":-120},{"lat":38.5,"lng":-120},'
    '{"lat":38,"lng":-121}]}'
)
LOWER = '"altitude_lower":{"value":0,"reference":"W84","units":"M"}'
UPPER = '"altitude_upper":{"value":120.5,"reference":"W84","units":"M"}'
START = '"time_start":{"value":"2026-11-28T13:00:00Z","format":"RFC3339"}'
END = '"time_end":{"value":"2026-11-28T14:00:00Z","format":"RFC3339"}'
VOLUME = f'{{"volume":{{{CIRCLE},{LOWER},{UPPER}}},{START},{END}}}'
READBACK = '{"points":[[38.5,-120.25]],"lower":"0 m W84","upper":"121 m W84","start":"a","end":"b"'
ITEM = '"thread":"t","kind":"notice","party":"south","stage":"sent"'
LABEL = "a" * 120
HELICOPTER = "\N{HELICOPTER}"


def payloads() -> list[dict[str, object]]:
    """Return payloads, and what comes of each; beside a notice, its lines."""
    found = [payload_case(*case) for case in [*_letters(), *_numbers(), *_members(), *_volumes()]]
    for what, more, good in [("1,000,000 bytes", 0, True), ("a byte more", 1, False)]:
        text = ("{" + BY).ljust(PAYLOAD_BYTES_MAX - 1 + more) + "}"
        found.append(payload_case(what, Kind.CHECK, text, good))
    for what, document, of, good in [
        ("the document of the note", "x", "x", True),
        ("another document", "x", "y", False),
        ("a document in other letters", "\u00e9", "e\u0301", False),
        ("an empty document", "", "", False),
    ]:
        named = {"digest": sha256(of.encode()).hexdigest(), "version": "1"}
        found.append(
            payload_case(what, Kind.AGREEMENT, f'{{"document":"{document}"}}', good, named)
        )
    for kind in Kind:
        found.append(payload_case(f"nothing with a {kind}", kind, "{}", None))
        found.append(payload_case(f"an author of a {kind}", kind, "{" + BY + "}", None))
    return found


def payload_case(
    what: str,
    kind: Kind,
    text: str | bytes,
    expected: bool | None,  # noqa: FBT001 - of a table
    own: dict[str, str] | None = None,
) -> dict[str, object]:
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    note = by_kind()[kind]
    if own is not None:
        note = replace(note, own=tuple(own.items()))
    good = taken(what, lambda: check_fit(note, read_payload(kind, data)), good=expected)
    found: dict[str, object] = {"what": what, "kind": kind, "good": good}
    if kind in (Kind.NOTICE, Kind.AGREEMENT):
        found["lines"] = dict(note.own)
    if isinstance(text, bytes):
        return {**found, "base64": base64.b64encode(data).decode()}
    return {**found, "payload": in_runs(text)}


_Case = tuple[str, Kind, str | bytes, bool | None]


def _check(*members: str) -> str:
    return "{" + ",".join([BY, *members]) + "}"


def _letters() -> Iterator[_Case]:
    """Yield what is and is not JSON as it is taken here."""
    check = Kind.CHECK
    yield "the least", check, _check(), True
    yield "white space", check, ' \t\r\n{ "by" : {"initials":"AK" , "name" :"A"} }\n', True
    yield "a byte order mark", check, "\ufeff" + _check(), False
    yield "a byte order mark as bytes", check, b"\xef\xbb\xbf" + _check().encode(), False
    yield "a byte order mark within a text", check, _check('"text":"\ufeff"'), True
    yield "UTF-16", check, _check().encode("utf-16-le"), False
    yield "no UTF-8", check, _check('"text":"').encode() + b'\xff"}', False
    yield "overlong UTF-8", check, _check('"text":"')[:-1].encode() + b'\xc0\xaf"}', False
    yield "half a pair as bytes", check, _check('"text":"')[:-1].encode() + b'\xed\xa0\x80"}', False
    for text, good in [
        (r"\ud83d\ude81", True),
        (r"\uD83D\uDE81", True),
        (r"\ud800", False),
        (r"a\udfff", False),
        (r"\ude81\ud83d", False),
        (r"\ud83d\ud83d\ude81", False),
        (r"\\ud800", True),
        (r"\ud7ff\ue000", True),
        (r"\u0000", True),
        (r"\/\b\f\n\r\t\"", True),
        (r"\x41", False),
        (r"\u12", False),
        (r"\U0041", False),
        ("\x7f\u2028", True),
        ("\n", False),
        ("\0", False),
        ("\t", False),
    ]:
        yield f"the text {text!r}", check, _check(f'"text":"{text}"'), good
    stated = '"volumes":[' + VOLUME + '],"stated":[{"%s":1}]'
    yield "half a pair in a name", Kind.STOP, _check(stated % r"\ud800"), False
    yield "a whole pair in a name", Kind.STOP, _check(stated % r"\ud83d\ude81"), True
    twice = (stated % "__proto__").replace('{"__proto__', '{"__proto__":2,"__proto__')
    yield "a name that every object has, twice", Kind.STOP, _check(twice), False
    yield "a name that every object has", Kind.STOP, _check(stated % "__proto__"), True
    yield "a member twice", check, _check(BY), False
    yield (
        "a member twice, once escaped",
        check,
        _check(r'"b\u0079":{"name":"B","initials":"B"}'),
        False,
    )
    yield (
        "a member of a member twice",
        check,
        '{"by":{"name":"A","name":"A","initials":"A"}}',
        False,
    )
    for what, text in [
        ("an array", "[]"),
        ("null", "null"),
        ("a number", "1"),
        ("nothing", ""),
        ("two values", _check() + _check()),
        ("a comma too many", _check()[:-1] + ",}"),
        ("no last brace", _check()[:-1]),
        ("a comment", "/**/" + _check()),
        ("single quotes", _check().replace('"', "'")),
        ("a no-break space", "\u00a0" + _check()),
        ("a form feed", "\f" + _check()),
    ]:
        yield what, check, text, False
    for levels, good in [(16, True), (17, False), (70, False)]:
        nested = "[" * (levels - 3) + "]" * (levels - 3)
        own = f'"volumes":[{VOLUME}],"stated":[{{"x":{nested}}}]'
        yield f"{levels} levels", Kind.STOP, _check(own), good
    own = f'"volumes":[{VOLUME}],"stated":[{{"x":{"[" * 13}1{"]" * 13}}}]'
    yield "16 levels and a number", Kind.STOP, _check(own), True
    yield "brackets in a text", check, _check(f'"text":"{"[{" * 40}"'), True


def _numbers() -> Iterator[_Case]:
    for number, good in [
        *(("0", True), ("-1", True), ("0.0", True), ("1E+2", True), ("-1e-323", True)),
        *(("-0", False), ("-0.0", False), ("-0e7", False), ("-1e-324", False), ("1e-400", True)),
        *(("9007199254740991", True), ("9007199254740992", False), ("9007199254740992.0", True)),
        *(("-9007199254740991", True), ("-9007199254740992", False), ("1" * 400, False)),
        *(("1.7976931348623157e308", True), ("1e309", False), ("-1e309", False), ("NaN", False)),
        *(("Infinity", False), ("-Infinity", False), ("01", False), ("+1", False), (".5", False)),
        *(("1.", False), ("1e", False), ("0x1", False), ("1_0", False), ("\u0661", False)),
        *(("null", True), ("true", True), ("True", False), ('"-0"', True)),
    ]:
        own = f'"volumes":[{VOLUME}],"stated":[{{"value":{number}}}]'
        yield f"the value {number[:30]}", Kind.STOP, _check(own), good
    for member, kind, values in [
        ("minutes", Kind.ANSWER, "1 43200 | 0 43201 5.0 5e0 null true -1"),
        ("minutes_lost", Kind.ALL_CLEAR, "0 1000000 | -1 1000001 1.0 null"),
        (
            "priority",
            Kind.NOTICE,
            "1 -1 2147483647 -2147483648 | 0 2147483648 -2147483649 1.0 null",
        ),
    ]:
        taken, refused = values.split(" | ")
        beside = f'"volumes":[{VOLUME}]' if kind is Kind.NOTICE else BY
        for value, good in [
            *((v, True) for v in taken.split()),
            *((v, False) for v in refused.split()),
        ]:
            yield f"{member} {value}", kind, f'{{{beside},"{member}":{value}}}', good


def _members() -> Iterator[_Case]:
    for kind, what, own, good in _OWN:
        yield what, kind, _check(own), good
    for text, good in [
        ("a" * 2000, True),
        (HELICOPTER * 2000, True),
        (HELICOPTER * 2000 + "a", False),
    ]:
        yield f"{len(text)} characters", Kind.CHECK, _check(f'"text":"{text}"'), good
    for people, good in [
        ('{"name":"","initials":""}', True),
        (f'{{"name":"{LABEL}","initials":"{"a" * 8}","desk":"{LABEL}"}}', True),
        (f'{{"name":"{LABEL}a","initials":"A"}}', False),
        (f'{{"name":"A","initials":"{"a" * 9}"}}', False),
        (f'{{"name":"A","initials":"A","desk":"{LABEL}a"}}', False),
        ('{"name":"A","initials":"A","desk":""}', False),
        ('{"name":"A","initials":"A","desk":null}', False),
        ('{"name":"A","initials":"A","rank":"B"}', False),
        ('{"name":"A"}', False),
        ('{"initials":"A"}', False),
        ('{"name":1,"initials":"A"}', False),
        ('["A","A"]', False),
        ("null", False),
        ('"A"', False),
    ]:
        yield f"by {people[:60]}", Kind.CHECK, f'{{"by":{people}}}', good
    yield "no text of a call", Kind.CALL, _check(), False
    yield "an empty text of a call", Kind.CALL, _check('"text":""'), False
    yield "a text of a call", Kind.CALL, _check('"text":"a"'), True
    yield "an alarm in words", Kind.ALARM, '{"text":"a","language":"en"}', True
    yield "a receipt in words", Kind.RECEIPT, '{"text":"a"}', False
    yield "a receipt of empty words", Kind.RECEIPT, '{"text":""}', False
    yield "a formation by number", Kind.NOTICE, f'{{"volumes":[{VOLUME}],"formation":5}}', False


_N = ",".join(f'"{n}":{n}' for n in range(16))
_OWN: list[tuple[Kind, str, str, bool]] = [
    (Kind.CHECK, "a member that nobody knows", '"purpose":"none"', False),
    (Kind.CHECK, "a member of another kind", '"minutes":1', False),
    (Kind.CHECK, "an empty member of another kind", '"volumes":[]', False),
    (Kind.CHECK, "an empty text", '"text":""', False),
    (Kind.CHECK, "null for a text", '"text":null', False),
    (Kind.CHECK, "a language of 35", f'"language":"{"a" * 35}"', True),
    (Kind.CHECK, "a language of 36", f'"language":"{"a" * 36}"', False),
    (Kind.CHECK, "an empty language", '"language":""', False),
    (Kind.COUNTER, "an empty shift", '"shift":{}', True),
    (Kind.COUNTER, "a shift of zeros", '"shift":{"delay_s":0,"up_m":0,"north_m":0.0}', True),
    (Kind.COUNTER, "the greatest shift", '"shift":{"delay_s":-1000000000,"up_m":1e7}', True),
    (Kind.COUNTER, "a greater delay", '"shift":{"delay_s":1000000001}', False),
    (Kind.COUNTER, "a greater distance", '"shift":{"east_m":-10000000.1}', False),
    (Kind.COUNTER, "a delay in parts", '"shift":{"delay_s":1.5}', False),
    (Kind.COUNTER, "a delay with a point", '"shift":{"delay_s":60.0}', False),
    (Kind.COUNTER, "minus zero metres", '"shift":{"up_m":-0.0}', False),
    (Kind.COUNTER, "a shift of something else", '"shift":{"west_m":1}', False),
    (Kind.COUNTER, "no shift", '"text":"a"', False),
    (Kind.COUNTER, "null for a shift", '"shift":null', False),
    (Kind.SAY, "no parameters", '"parameters":{}', True),
    (Kind.SAY, "null for parameters", '"parameters":null', False),
    (Kind.SAY, "parameters", '"parameters":{"a":-1,"b":"x","c":""}', True),
    (Kind.SAY, "a parameter with a point", '"parameters":{"a":1.0}', False),
    (Kind.SAY, "a parameter that is true", '"parameters":{"a":true}', False),
    (Kind.SAY, "a parameter that is null", '"parameters":{"a":null}', False),
    (Kind.SAY, "16 parameters", f'"parameters":{{{_N}}}', True),
    (Kind.SAY, "17 parameters", f'"parameters":{{{_N},"x":1}}', False),
    (Kind.READBACK, "a read-back", f'"readback":{READBACK}}}', True),
    (Kind.READBACK, "of a circle", f'"readback":{READBACK},"radius_m":90}}', True),
    (Kind.READBACK, "a radius with a point", f'"readback":{READBACK},"radius_m":90.0}}', False),
    (Kind.READBACK, "null for a radius", f'"readback":{READBACK},"radius_m":null}}', False),
    (Kind.READBACK, "something else read back", f'"readback":{READBACK},"speed":1}}', False),
    (Kind.READBACK, "no points", f'"readback":{READBACK}}}'.replace("[38.5,-120.25]", ""), False),
    (Kind.READBACK, "no pair", f'"readback":{READBACK}}}'.replace("-120.25", "-120.25,1"), False),
    (
        Kind.READBACK,
        "12 points",
        f'"readback":{READBACK}}}'.replace("[38.5,-120.25]", ",".join(["[38.5,-120]"] * 12)),
        True,
    ),
    (
        Kind.READBACK,
        "13 points",
        f'"readback":{READBACK}}}'.replace("[38.5,-120.25]", ",".join(["[38.5,-120]"] * 13)),
        False,
    ),
    (Kind.READBACK, "no end", f'"readback":{READBACK}}}'.replace(',"end":"b"', ""), False),
    (Kind.HANDOVER, "an open item", f'"open_items":[{{{ITEM}}}]', True),
    (Kind.HANDOVER, "with words", f'"open_items":[{{{ITEM},"words":"{"a" * 2000}"}}]', True),
    (Kind.HANDOVER, "more words", f'"open_items":[{{{ITEM},"words":"{"a" * 2001}"}}]', False),
    (Kind.HANDOVER, "empty words", f'"open_items":[{{{ITEM},"words":""}}]', False),
    (Kind.HANDOVER, "no open items", '"open_items":[]', False),
    (Kind.HANDOVER, "no stage", f'"open_items":[{{{ITEM[:-15]}}}]', False),
    (Kind.HANDOVER, "who is relieved", '"relieved":{"name":"B","initials":"B"}', True),
    (Kind.HANDOVER, "nobody", '"relieved":null', False),
    (Kind.STOP, "more stated than volumes", '"stated":[{}]', False),
    (Kind.STOP, "one stated", f'"volumes":[{VOLUME}],"stated":[{{}}]', True),
    (Kind.STOP, "less stated", f'"volumes":[{VOLUME},{VOLUME}],"stated":[{{}}]', True),
    (Kind.STOP, "two stated", f'"volumes":[{VOLUME}],"stated":[{{}},{{}}]', False),
    (Kind.STOP, "none stated", f'"volumes":[{VOLUME}],"stated":[]', False),
    (Kind.STOP, "null stated", f'"volumes":[{VOLUME}],"stated":[null]', False),
    (Kind.STOP, "no volumes", '"volumes":[]', False),
]


def _volumes() -> Iterator[_Case]:
    """Yield notices whose volume differs in one thing."""
    for what, old, new, good in _SPOILT:
        changed = VOLUME.replace(old, new, 1)
        assert changed != VOLUME, what
        yield what, Kind.NOTICE, f'{{"volumes":[{changed}]}}', good
    plain = f'{{"volumes":[{VOLUME}]%s}}'
    yield "a notice", Kind.NOTICE, plain % "", True
    yield "no volumes", Kind.NOTICE, '{"callsign":"A"}', False
    yield "an empty list of volumes", Kind.NOTICE, '{"volumes":[]}', False
    for member in ("callsign", "formation", "name"):
        for length, good in ((1, True), (120, True), (121, False), (0, False)):
            text = f',"{member}":"{"a" * length}"'
            yield f"{member} of {length}", Kind.NOTICE, plain % text, good
    later = VOLUME.replace("14:00:00Z", "13:30:00Z")
    early = VOLUME.replace("13:00:00Z", "13:30:00Z")
    yield "two volumes, one after the other", Kind.NOTICE, f'{{"volumes":[{early},{later}]}}', True
    yield "two volumes, the later first", Kind.NOTICE, f'{{"volumes":[{later},{early}]}}', True
    yield "the earlier alone", Kind.NOTICE, f'{{"volumes":[{later}]}}', False
    yield "the later alone", Kind.NOTICE, f'{{"volumes":[{early}]}}', False
    backwards = VOLUME.replace("14:00:00Z", "12:59:59Z")
    yield "a stop that ends before", Kind.STOP, _check(f'"volumes":[{backwards}]'), False
    at_once = VOLUME.replace("14:00:00Z", "13:00:00Z")
    yield "a stop of no time", Kind.STOP, _check(f'"volumes":[{at_once}]'), True
    yield "a stop at any time", Kind.STOP, _check(f'"volumes":[{early}]'), True
    yield (
        "a stop of a bad volume",
        Kind.STOP,
        _check('"volumes":[' + VOLUME.replace("90", "0") + "]"),
        False,
    )


_P = '{"lat":38,"lng":-120}'
_SPOILT = [
    ("a polygon", CIRCLE, POLYGON, True),
    ("both outlines", CIRCLE, f"{CIRCLE},{POLYGON}", False),
    ("no outline", CIRCLE + ",", "", False),
    ("null for the other outline", CIRCLE, f'{CIRCLE},"outline_polygon":null', False),
    ("two corners", CIRCLE, POLYGON.replace(',{"lat":38,"lng":-121}', ""), False),
    ("a corner twice", CIRCLE, POLYGON.replace(_P, f"{_P},{_P}"), False),
    ("closed", CIRCLE, POLYGON.replace("-121}", f"-121}},{_P}"), False),
    (
        "a corner again later",
        CIRCLE,
        POLYGON.replace("-121}", f'-121}},{_P},{{"lat":37,"lng":1}}'),
        True,
    ),
    ("no radius", "90", "0", False),
    ("hardly any radius", "90", "1e-9", True),
    ("the greatest radius", "90", "1000000", True),
    ("a greater radius", "90", "1000000.1", False),
    ("feet", '"units":"M"', '"units":"FT"', False),
    ("the pole", "38.5", "90", True),
    ("beyond the pole", "38.5", "90.000001", False),
    ("the other pole", "38.5", "-90", True),
    ("beyond the other pole", "38.5", "-90.000001", False),
    ("the date line", "-120.25", "180", True),
    ("beyond the date line", "-120.25", "180.000001", False),
    ("the date line from the other side", "-120.25", "-180", True),
    ("beyond it", "-120.25", "-180.000001", False),
    ("minus zero", "-120.25", "-0.0", False),
    ("no lower bound", LOWER + ",", "", False),
    ("null for the lower bound", LOWER, '"altitude_lower":null', False),
    ("no upper bound", "," + UPPER, "", False),
    ("no start", START + ",", "", False),
    ("no end", "," + END, "", False),
    ("the lowest", '"value":0', '"value":-8000', True),
    ("lower", '"value":0', '"value":-8000.1', False),
    ("the highest", "120.5", "100000", True),
    ("higher", "120.5", "100000.1", False),
    ("as high as low", '"value":0', '"value":120.5', True),
    ("higher than high", '"value":0', '"value":120.51', False),
    ("above the ground", "W84", "AGL", False),
    ("a member more of a volume", '{"volume"', '{"purpose":1,"volume"', False),
    ("a member more of an outline", '"center"', '"purpose":1,"center"', False),
    ("a member more of a time", '"format"', '"purpose":1,"format"', False),
    ("another format", "RFC3339", "ISO8601", False),
    ("start and end alike", "13:00:00Z", "14:00:00Z", False),
    ("an end before the start", "14:00:00Z", "12:00:00Z", False),
    ("small letters", "2026-11-28T13:00:00Z", "2026-11-28t13:00:00z", True),
    ("a space for the T", "28T13", "28 13", True),
    ("fractions of nothing", "13:00:00Z", "13:00:00.000000000Z", True),
    ("a start rounded down", "13:00:00Z", "13:00:00.0000009Z", True),
    ("a start too late", "13:00:00Z", "13:00:00.000001Z", False),
    ("an end rounded up", "14:00:00Z", "13:59:59.9999991Z", True),
    ("an end of zeros", "14:00:00Z", "14:00:00.0000000Z", True),
    ("an end too early", "14:00:00Z", "13:59:59.999999Z", False),
    ("an end too late", "14:00:00Z", "14:00:00.0000001Z", False),
    ("30 digits", "13:00:00Z", f"13:00:00.{'0' * 30}Z", True),
    ("31 digits", "13:00:00Z", f"13:00:00.{'0' * 31}Z", False),
    ("an offset", "13:00:00Z", "13:00:00+00:00", False),
    ("no zone", "13:00:00Z", "13:00:00", False),
    ("a day that is none", "2026-11-28T14", "2026-11-31T14", False),
    ("a leap second", "14:00:00Z", "13:59:60Z", False),
    ("a number for a time", '"2026-11-28T13:00:00Z"', "1", False),
]
