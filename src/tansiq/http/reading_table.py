"""The part of the own API's table that a console reads: notes looked for, bundles verified, the
agreement in force, the phrase book.
"""

from typing import Final

from tansiq.formats.phrase_book import FALLBACK
from tansiq.http import reading_handlers as reading
from tansiq.http.access import VIEWER
from tansiq.http.operations import Body, Kind, Operation, Query
from tansiq.http.own_handlers import OwnApi
from tansiq.services.agreement_views import AgreementView
from tansiq.services.line.searching import ENTRY_MAX, LAST_MAX
from tansiq.services.line.views import FoundNotes
from tansiq.services.phrases_shown import PhraseBookView
from tansiq.services.record.verifying import BUNDLE_CHARS_MAX, BundleToVerify, VerifiedBundle

VERIFY_BYTES_MAX: Final = 2 * BUNDLE_CHARS_MAX
"""As JSON, in which each line end takes two characters."""
_READ: Final = {200: "As it is now."}
_LANGUAGE: Final = Query(
    name="language",
    kind=Kind.STRING,
    text="Of the sentences: en, ar, he, ru.",
    default=FALLBACK,
)

READING_OPERATIONS: Final[tuple[Operation[OwnApi], ...]] = (
    Operation(
        method="GET",
        path="/api/v1/log/notes",
        name="find_notes",
        summary="Look for notes of the record, the newest first.",
        access=VIEWER,
        handle=reading.find_notes,
        reply=FoundNotes,
        statuses=_READ,
        query=(
            Query(
                name="q",
                kind=Kind.STRING,
                text="Words that all have to be in it: names, call signs, free words, codes, or "
                "6 and more digits of its name. Case and accents do not count.",
            ),
            Query(name="party", kind=Kind.STRING, text="Said by it, or on the line with it."),
            Query(name="kind", kind=Kind.STRING, text="Of this kind only."),
            Query(
                name="from",
                kind=Kind.STRING,
                text="Recorded here at this time or later.",
                format="date-time",
            ),
            Query(
                name="to",
                kind=Kind.STRING,
                text="... at this time or earlier.",
                format="date-time",
            ),
            Query(
                name="before",
                kind=Kind.INTEGER,
                text="Older than this entry of the record: `searched_to` of the page before.",
                least=0,
                most=ENTRY_MAX,
            ),
            Query(
                name="last",
                kind=Kind.INTEGER,
                text="So many at most.",
                default=50,
                least=1,
                most=LAST_MAX,
            ),
            _LANGUAGE,
        ),
    ),
    Operation(
        method="POST",
        path="/api/v1/log/verify",
        name="verify_bundle",
        summary="Verify an evidence bundle, as tansiq log verify does.",
        access=VIEWER,
        handle=reading.verify_bundle,
        reply=VerifiedBundle,
        statuses={200: "What it shows, good or not."},
        body=Body.STRUCT,
        struct=BundleToVerify,
        body_bytes_max=VERIFY_BYTES_MAX,
        at_once=2,
    ),
    Operation(
        method="GET",
        path="/api/v1/log/page",
        name="get_verifier_page",
        summary="Save the page that verifies bundles in a browser, without any network.",
        access=VIEWER,
        handle=reading.get_page,
        reply="text/html",
        statuses={200: "One file, to be kept and opened from there."},
    ),
    Operation(
        method="GET",
        path="/api/v1/agreement",
        name="get_agreement",
        summary="Look at the agreement in force, and whether the others hold the same.",
        access=VIEWER,
        handle=reading.get_agreement,
        reply=AgreementView,
        statuses=_READ,
    ),
    Operation(
        method="GET",
        path="/api/v1/phrases",
        name="get_phrases",
        summary="Read the phrase book in a language.",
        access=VIEWER,
        handle=reading.get_phrases,
        reply=PhraseBookView,
        statuses={200: "The whole book.", 304: "You have it."},
        query=(_LANGUAGE,),
    ),
)
