"""The phrase book: coded messages in every language that the package has a file for.

``phrases/codes.toml`` has every code with its parameters, ``phrases/LANGUAGE.toml`` how it reads;
a further file is a further language, held to the same codes, parameters and plural forms when it
is loaded. Forms follow the plural rules of CLDR, by ``babel``, which is imported with the first
number that is spelled.

What is put into a sentence is isolated, so that it keeps its own direction in any text: figures,
call signs, times and grids left to right (LRI ... PDI), names and free text by their first strong
letter (FSI ... PDI). Figures are Western in every language, with a point before decimals and
nothing between thousands: "1,852" is two different numbers to two readers.

``render`` never fails a desk: what it cannot say it shows as it came.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Final

from tansiq.domain.phrase import (
    CODE,
    COUNTED,
    PARAMETERS_MAX,
    Direction,
    Kind,
    Phrase,
    Value,
    read_value,
)
from tansiq.errors import BadInput
from tansiq.formats import tree
from tansiq.formats.spelling import Setting, isolate, spell_value
from tansiq.strict_toml import Table, read_toml

FALLBACK: Final = "en"
ORIGINAL_CHARS_MAX: Final = 1_000
BYTES_MAX: Final = 16_000
CODES_MAX: Final = 1_000
_CODES_FILE: Final = "codes.toml"
_NAME: Final = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}", re.ASCII)
_PLACEHOLDER: Final = re.compile(r"\{([a-z]+)\}")
_HEAD: Final = ("language", "name", "direction", "book", "counted", "directions")
_BOOK: Final = ("unknown", "untranslated", "joint")
_DURATION_NOUNS: Final = ("hours", "minutes", "seconds")
_NOUNS: Final = tuple(dict.fromkeys((*_DURATION_NOUNS, *(kind.value for kind in COUNTED))))

Codes = Mapping[str, Mapping[str, Kind]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language's file, complete. ``direction`` is ``ltr`` or ``rtl``."""

    code: str
    name: str
    direction: str
    texts: Mapping[str, str]
    counted: Mapping[str, Mapping[str, str]]
    """By noun, then by plural category: the noun with its number, ``{n}``."""
    directions: Mapping[str, str]
    unknown: str
    untranslated: str
    joint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhraseBook:
    """All codes, and all languages by their code."""

    codes: Codes
    languages: Mapping[str, Language]

    def language(self, wanted: str) -> Language:
        """Return a language; where there is no file for it, the one it is a kind of, or English."""
        for code in (wanted, wanted.partition("-")[0]):
            if code in self.languages:
                return self.languages[code]
        return self.languages[FALLBACK]

    def check(self, phrase: Phrase) -> Phrase:
        """Return a phrase that the book has, with exactly the parameters of its code.

        Raises:
            BadInput: an unknown code, a parameter missing, unknown or not of its kind.
        """
        known = self.codes.get(phrase.code)
        if known is None:
            raise BadInput(
                f"no phrase {phrase.code}; `tansiq phrases` lists them, say.text carries free text",
                field="code",
            )
        for name in phrase.parameters:
            if name not in known:
                wanted = ", ".join(known) or "none"
                raise BadInput(
                    f"{phrase.code} has no such parameter; it has {wanted}",
                    field=f"parameters.{name}" if name.isidentifier() else "parameters",
                )
        for name, kind in known.items():
            if name not in phrase.parameters:
                raise BadInput(
                    f"missing; {phrase.code} needs its {kind}", field=f"parameters.{name}"
                )
            read_value(kind, phrase.parameters[name], f"parameters.{name}")
        return phrase


def render(
    code: str, parameters: Mapping[str, Value], language: str, setting: Setting | None = None
) -> str:
    """Return what a phrase says, in the words of a language.

    A code or a parameter that this book does not have comes out as it is, said to be unknown: the
    other node may be newer than ours, and its desk has to be asked, not kept from ours.
    """
    book = phrase_book()
    spoken = book.language(language)
    try:
        book.check(Phrase(code=code, parameters=parameters))
    except BadInput:
        return _as_it_came(code, parameters, spoken)
    kinds = book.codes[code]
    within = setting or Setting()

    def word(match: re.Match[str]) -> str:
        name = match[1]
        return spell_value(kinds[name], parameters[name], spoken, within)

    return _PLACEHOLDER.sub(word, spoken.texts[code])


def _as_it_came(code: str, parameters: Mapping[str, Value], language: Language) -> str:
    original = json.dumps(dict(parameters), ensure_ascii=False, default=str, sort_keys=True)
    shown = {"code": code, "original": original}
    # Marks of direction and line ends are shown by number: they would act on our own sentence.
    return _PLACEHOLDER.sub(
        lambda match: isolate(
            "".join(
                c if c.isprintable() else f"\\u{ord(c):04x}"
                for c in shown[match[1]][:ORIGINAL_CHARS_MAX]
            )
        ),
        language.unknown,
    )


def check_phrase(code: str, parameters: Mapping[str, Value]) -> None:
    """Hold a coded message of our own against the book.

    Raises:
        BadInput: no such code, or parameters that are not its own.
    """
    phrase_book().check(Phrase(code=code, parameters=parameters))


def read_phrase(data: bytes) -> Phrase:
    """Read ``{"code": ..., "parameters": {...}}`` and hold it against the book.

    Raises:
        BadInput: not that, or as in ``PhraseBook.check``.
        TooLarge: above a limit.
    """
    document = tree.parse(data, bytes_max=BYTES_MAX, depth_max=3)
    return phrase_book().check(phrase_from(document))


def phrase_from(document: Any) -> Phrase:
    """Return the phrase in a JSON value, whether or not the book has its code.

    Raises:
        BadInput: not an object of code and parameters, these of text or whole numbers.
    """
    top = tree.Field(document)
    for name in top.members():
        if name not in ("code", "parameters"):
            raise BadInput("unknown; a phrase is code and parameters", field=name[:40])
    parameters = top.need("parameters", "write {} where the code has none")
    for name, value in parameters.members().items():
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise BadInput("write text or a whole number", field=parameters.below(name[:40]))
    return Phrase(
        code=top.need("code", "write one such as say.stand-by").text(),
        parameters=parameters.members(),
    )


def phrase_json(phrase: Phrase) -> bytes:
    """Write a phrase so that the same one is always the same bytes."""
    document = {"code": phrase.code, "parameters": dict(phrase.parameters)}
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


# The files


@lru_cache(maxsize=1)
def phrase_book() -> PhraseBook:
    """Return the book of this package, read once."""
    return load(resources.files("tansiq").joinpath("phrases"))


def load(folder: Traversable) -> PhraseBook:
    """Read a folder of codes and languages.

    Raises:
        BadInput: a file is not as it should be, or lacks what another has; the field names it.
    """
    codes = _read_codes(folder.joinpath(_CODES_FILE).read_bytes())
    languages = {
        file.name.removesuffix(".toml"): file.read_bytes()
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".toml") and file.name != _CODES_FILE
    }
    found = {code: read_language(data, code, codes) for code, data in languages.items()}
    if FALLBACK not in found:
        raise BadInput("missing; English is what every other language falls back to", field="en")
    return PhraseBook(codes=codes, languages=found)


def _read_codes(data: bytes) -> Codes:
    codes: dict[str, Mapping[str, Kind]] = {}
    for group, members in tomllib.loads(data.decode("utf-8")).items():
        if not isinstance(members, dict):
            raise BadInput("write a group of codes", field=group)
        for name, parameters in members.items():
            code = f"{group}.{name}"
            if not CODE.fullmatch(code) or not isinstance(parameters, dict):
                raise BadInput("write a code and a table of its parameters", field=code)
            if len(parameters) > PARAMETERS_MAX:
                raise BadInput(f"at most {PARAMETERS_MAX} parameters", field=code)
            codes[code] = {key: _kind(kind, f"{code}.{key}") for key, kind in parameters.items()}
    if len(codes) > CODES_MAX:
        raise BadInput(f"{len(codes)} codes; at most {CODES_MAX}", field=_CODES_FILE)
    return codes


def _kind(value: object, field: str) -> Kind:
    if value not in set(Kind):
        raise BadInput(f"{value!r} is not one of {', '.join(Kind)}", field=field)
    return Kind(str(value))


def read_language(data: bytes, code: str, codes: Codes) -> Language:
    """Read one language's file and hold it against the codes.

    Raises:
        BadInput: it lacks a code, has one too many, or uses other parameters; the field says where.
    """
    groups = tuple(dict.fromkeys(each.partition(".")[0] for each in codes))
    top = read_toml(data, (*_HEAD, *groups), name=f"{code}.toml")
    if not _NAME.fullmatch(code) or top.text("language") != code:
        raise top.wrong("language", f"is not {code}, as the file is called")
    direction = top.text("direction")
    if direction not in ("ltr", "rtl"):
        raise top.wrong("direction", "write ltr or rtl")
    book = top.table("book", _BOOK)
    names = top.table("directions", tuple(Direction))
    return Language(
        code=code,
        name=top.text("name", chars_max=60),
        direction=direction,
        texts=_texts(top, groups, codes),
        counted=_counted(top, code),
        directions={name: names.text(name, chars_max=60) for name in Direction},
        unknown=_filled(book, "unknown", {"code", "original"}),
        untranslated=_filled(book, "untranslated", {"text"}),
        joint=_filled(book, "joint", {"first", "next"}),
    )


def _texts(top: Table, groups: tuple[str, ...], codes: Codes) -> Mapping[str, str]:
    texts: dict[str, str] = {}
    for group in groups:
        wanted = [code.partition(".")[2] for code in codes if code.startswith(f"{group}.")]
        table = top.table(group, wanted)
        for name in wanted:
            texts[f"{group}.{name}"] = _filled(table, name, set(codes[f"{group}.{name}"]))
    return texts


def _counted(top: Table, code: str) -> Mapping[str, Mapping[str, str]]:
    nouns = top.table("counted", _NOUNS)
    wanted = plural_categories(code)
    found = {}
    for noun in _NOUNS:
        forms = nouns.table(noun, wanted)
        found[noun] = {
            form: _filled(forms, form, {"n"}, may_lack=form in ("one", "two")) for form in wanted
        }
    return found


def _filled(table: Table, key: str, names: set[str], *, may_lack: bool = False) -> str:
    """Return a text with exactly these placeholders; "one minute" and "two" may lack theirs."""
    text = table.text(key, chars_max=500)
    used = _PLACEHOLDER.findall(text)
    if set(used) != names and not (may_lack and not used):
        shown = " ".join(f"{{{name}}}" for name in sorted(names)) or "none"
        raise table.wrong(key, f"its placeholders are not {shown}")
    rest = _PLACEHOLDER.sub("", text)
    if re.search(r"[{}0-9]", rest):
        raise table.wrong(key, "holds a bare figure or bracket; figures come from parameters")
    return text


def plural_categories(language: str) -> tuple[str, ...]:
    """Return the plural categories that a language has, ``other`` among them."""
    # Imported here: 35 ms that no command without numbers in words has to wait for.
    from babel import Locale, UnknownLocaleError

    try:
        rule = Locale.parse(language, sep="-").plural_form
    except (UnknownLocaleError, ValueError) as error:
        raise BadInput("CLDR knows no such language", field=f"{language}.toml") from error
    order = ("zero", "one", "two", "few", "many", "other")
    return tuple(form for form in order if form in rule.tags or form == "other")
