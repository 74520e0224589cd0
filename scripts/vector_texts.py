"""Cases for the vectors: texts of notes, beside each good value what misses it."""

import re
from functools import partial

from conversations import of_every_kind
from vector_parts import taken

from tansiq.domain.note import Kind, Note, read_note

HEX = "0123456789abcdef" * 4
ONE = "12345678-1234-4234-8234-123456789012"
_B = "a" * 58
_ROOT = "A" * 42

# Kind, line, values that are taken, values that are not.
_VALUES: list[tuple[Kind, str, list[str], list[str]]] = [
    (
        Kind.NOTICE,
        "from",
        ["n", "7", "a.b_c-d", f"0{_B}9"],
        ["", "North", "-n", "n-", ".n", "n_", "n n", f"00{_B}9", "n/log", "n\u00f6rd", "\u0661"],
    ),
    (Kind.NOTICE, "to", ["n", "north.a"], ["", "North", "north", "s-"]),
    (Kind.NOTICE, "agreement", [HEX], [HEX[1:], HEX + "0", HEX.upper(), "g" * 64, ""]),
    (Kind.NOTICE, "mode", ["exercise"], ["Live", "drill", ""]),
    (
        Kind.NOTICE,
        "number",
        ["1", "999999999999999"],
        ["0", "01", "+1", "-1", "1.0", "1e3", "1000000000000000", "", " 1", "1 ", "\u0661"],
    ),
    (Kind.RECEIPT, "number", ["0"], ["1", "00", "-0"]),
    (Kind.GAP, "number", ["1"], ["0"]),
    (Kind.NOTICE, "turn", ["1", "999999999999999"], ["0", "01", "-1", "1000000000000000"]),
    (
        Kind.NOTICE,
        "time",
        [
            "1900-01-01T00:00:00.000000Z",
            "2200-12-31T23:59:59.999999Z",
            "2024-02-29T12:00:00.000000Z",
            "2000-02-29T12:00:00.000000Z",
        ],
        [
            "1899-12-31T23:59:59.999999Z",
            "2201-01-01T00:00:00.000000Z",
            "2026-02-29T12:00:00.000000Z",
            "2100-02-29T12:00:00.000000Z",
            "2026-11-31T12:00:00.000000Z",
            "2026-13-01T12:00:00.000000Z",
            "2026-00-10T12:00:00.000000Z",
            "2026-11-00T12:00:00.000000Z",
            "2026-11-28T24:00:00.000000Z",
            "2026-11-28T12:60:00.000000Z",
            "2026-11-28T12:00:60.000000Z",
            "2026-11-28T12:00:00Z",
            "2026-11-28T12:00:00.000Z",
            "2026-11-28T12:00:00.0000000Z",
            "2026-11-28T12:00:00.000000z",
            "2026-11-28t12:00:00.000000Z",
            "2026-11-28 12:00:00.000000Z",
            "2026-11-28T12:00:00,000000Z",
            "2026-11-28T12:00:00.000000+00:00",
            "20261128T120000.000000Z",
        ],
    ),
    (
        Kind.NOTICE,
        "clock",
        ["unknown", "0.000", "999999.999", "10.000"],
        ["Unknown", "00.010", "0.01", "0.0100", "1000000.000", "-0.010", "-0.000", "1", ".010", ""],
    ),
    (
        Kind.NOTICE,
        "head",
        [
            f"0 {_ROOT}A=",
            "0 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            f"999999999999999 {_ROOT}8=",
        ],
        [
            f"1000000000000000 {_ROOT}A=",
            f"01 {_ROOT}A=",
            f"1 {_ROOT}B=",
            f"1 {_ROOT}A",
            f"1 {_ROOT}AA",
            "1 AAAA",
            f"1  {_ROOT}A=",
            f"{_ROOT}A=",
            f"1 {_ROOT}A= ",
            f"1 {'-' * 42}A=",
            f"1 {'_' * 42}A=",
            f"1 {_ROOT}AA==",
        ],
    ),
    (Kind.ANSWER, "thread", [HEX], [HEX[1:], HEX.upper(), ""]),
    (Kind.ANSWER, "re", [HEX], [HEX[1:], HEX.upper(), ""]),
    (Kind.NOTICE, "payload", [HEX], [HEX[1:], HEX.upper(), ""]),
    (Kind.NOTICE, "subject", ["plan", "no-go", "keep-out"], ["Plan", "mission", ""]),
    (
        Kind.NOTICE,
        "id",
        [ONE, "00000000-0000-0000-0000-000000000000", "12345678-1234-7234-c234-123456789012"],
        [ONE[:-1], ONE + "0", ONE.replace("-", ""), "{" + ONE + "}", f"a{ONE[1:-4]}ABCD"],
    ),
    (Kind.NOTICE, "version", ["0", "1", "999999999999999"], ["01", "-1", "1000000000000000"]),
    (
        Kind.NOTICE,
        "start",
        ["2026-11-28T14:00:00.000000Z", "1900-01-01T00:00:00.000000Z"],
        ["2026-11-28T14:00:00.000001Z", "1899-12-31T00:00:00.000000Z"],
    ),
    (
        Kind.NOTICE,
        "end",
        ["2026-11-28T13:00:00.000000Z", "2200-12-31T00:00:00.000000Z"],
        ["2026-11-28T12:59:59.999999Z", "2201-01-01T00:00:00.000000Z"],
    ),
    (
        Kind.INCIDENT,
        "start",
        ["2026-11-28T14:00:00.000000Z"],
        ["2026-11-28T14:00:00.000001Z", "2026-11-28T14:00:00Z"],
    ),
    (
        Kind.GAP,
        "end",
        ["2026-11-28T13:00:00.000000Z"],
        ["2026-11-28T12:59:59.999999Z", "2026-02-30T13:00:00.000000Z"],
    ),
    (
        Kind.RECEIPT,
        "received",
        ["1900-01-01T00:00:00.000000Z"],
        ["2026-02-30T12:00:00.000000Z", "2026-11-28T12:00:00Z"],
    ),
    (Kind.CALL, "at", ["2200-01-01T00:00:00.000000Z"], ["2026-11-28T25:00:00.000000Z"]),
    (
        Kind.ANSWER,
        "word",
        ["noted", "no-conflict", "unable", "need-time"],
        ["agreed", "declined", "yes", "Noted", ""],
    ),
    (Kind.COUNTER, "moves", ["yours", "mine"], ["ours", "north", ""]),
    (Kind.OUTCOME, "moves", ["north", "south", "west"], ["North", "yours/mine", ""]),
    (Kind.OUTCOME, "id", ["00000000-0000-0000-0000-000000000000"], [ONE.replace("-", "")]),
    (Kind.CONFIRM, "verdict", ["agreed", "disputed"], ["Agreed", "yes", ""]),
    (
        Kind.LINE,
        "state",
        ["open", "degraded", "suspended", "exercise", "closed"],
        ["coordinated", "Open", ""],
    ),
    (
        Kind.STATUS,
        "state",
        ["coordinated", "displaced", "ended", "off-nominal"],
        ["open", "nonconforming", ""],
    ),
    (Kind.SAY, "code", ["7", "stand-by", "a.b", "a_b"], ["Stand-by", "stand by", "-by", "by-", ""]),
    (Kind.REFUSAL, "reason", ["a", "a_b", "a" * 60], ["Unknown", "a" * 61, ".a", ""]),
    (Kind.ALARM, "alarm", ["separation", "a_b"], ["Separation", "two words", ""]),
    (Kind.ALARM, "one", [ONE, f"0{ONE[1:]}"], [f"{ONE[:-1]}3", f"a{ONE[1:-4]}ABCD"]),
    (Kind.AGREEMENT, "digest", [HEX], [HEX.upper(), HEX[1:]]),
    (Kind.AGREEMENT, "version", ["0"], ["00"]),
    (
        Kind.KEY,
        "public-key",
        [f"{_ROOT}E=", f"{'/' * 42}8="],
        [f"{_ROOT}F=", f"{_ROOT}AA", f"{'_' * 42}8=", f"{_ROOT}A", HEX],
    ),
    (Kind.KEY, "from-time", ["2026-11-28T12:00:00.000000Z"], ["2026-11-31T12:00:00.000000Z"]),
    (
        Kind.CLOCK,
        "least",
        ["0.002000", "0.000000", "-999999999.999999"],
        ["0.002001", "-0.000000", "+0.001000", "00.001000", "-1000000000.000000", "0.001", "-1"],
    ),
    (Kind.CLOCK, "most", ["-0.001000", "999999999.999999"], ["-0.001001", "1000000000.000000"]),
]
# What is done to the whole text of a notice: pattern, what stands there then.
_LINES = [
    ("no last newline", r"\n\Z", ""),
    ("an empty line at the end", r"\Z", "\n"),
    ("an empty line at the beginning", r"\A", "\n"),
    ("carriage returns", r"\n", "\r\n"),
    ("a carriage return at one line", r"live\n", "live\r\n"),
    ("a carriage return alone", r"live\n", "live\r"),
    ("a line separator", r"live\n", "live\u2028"),
    ("a byte order mark", r"\A", "\ufeff"),
    ("no space after a colon", "mode: ", "mode:"),
    ("two spaces after a colon", "mode: ", "mode:  "),
    ("a tabulator after a colon", "mode: ", "mode:\t"),
    ("a space before a colon", "mode: ", "mode : "),
    ("a space at the end of a line", "live\n", "live \n"),
    ("a capital in the name of a line", "mode: ", "Mode: "),
    ("a line left out", "clock: .*\n", ""),
    ("the last line left out", "payload: .*\n", ""),
    ("the first line left out", "tansiq.*\n", ""),
    ("two lines in the other order", r"(version.*\n)(start.*\n)", r"\2\1"),
    ("from and to in the other order", r"(from.*\n)(to.*\n)", r"\2\1"),
    ("own lines behind the payload", r"(subject.*\n)((?:.*\n)*payload.*\n)", r"\2\1"),
    ("a line of another kind", "payload: ", "word: noted\npayload: "),
    ("a line twice", "(mode.*\n)", r"\1\1"),
    ("a line behind the last", r"\Z", "purpose: none\n"),
    ("thread and re in an opening note", "subject: ", f"thread: {HEX}\nre: {HEX}\nsubject: "),
    ("no version", "@v1", ""),
    ("another version", "@v1", "@v10"),
    ("another system", "tansiq/", "other/"),
    ("a capital in the kind", "tansiq/notice", "tansiq/Notice"),
    ("a name that every object has", "tansiq/notice", "tansiq/constructor"),
    ("a null character", "live", "live\0"),
]


def by_kind() -> dict[Kind, Note]:
    return {note.kind: note for note in reversed(of_every_kind())}


def texts() -> list[dict[str, object]]:
    """Return texts that are notes, and texts that differ in one thing and are none."""
    known = {kind: str(note) for kind, note in by_kind().items()}
    found = []
    for kind, line, good_ones, bad_ones in _VALUES:
        for value, good in [*((v, True) for v in good_ones), *((v, False) for v in bad_ones)]:
            text = re.sub(rf"(?m)(?<=^{line}: ).*$", value, known[kind], count=1)
            found.append(text_case(f"{kind}, {line}: {value[:70]}", text, good=good))
    for what, pattern, to in _LINES:
        text = re.sub(pattern, to, known[Kind.NOTICE])
        assert text != known[Kind.NOTICE], what
        found.append(text_case(what, text, good=False))
    seen = known[Kind.SEEN]
    found.append(text_case("no thread", re.sub("thread: .*\n", "", seen), good=False))
    found.append(text_case("no re", re.sub("\nre: .*\n", "\n", seen), good=False))
    turned = re.sub(r"(thread.*\n)(re.*\n)", r"\2\1", seen)
    found.append(text_case("re before thread", turned, good=False))
    found.append(
        text_case("thread and re alike", re.sub("(?m)^re: .*$", f"re: {HEX}", seen), good=True)
    )
    own = known[Kind.GAP]
    found.append(text_case("own and to another", own.replace("to: south", "to: north"), good=False))
    found.append(
        text_case("own, in a thread", own.replace("start", f"thread: {HEX}\nstart", 1), good=False)
    )
    alarm = known[Kind.ALARM].replace(f"other: {ONE}", f"other: 0{ONE[1:]}")
    found.append(text_case("the other below the one", alarm, good=False))
    return found


def text_case(what: str, text: str, *, good: bool | None = None) -> dict[str, object]:
    return {"what": what, "text": text, "good": taken(what, partial(read_note, text), good=good)}
