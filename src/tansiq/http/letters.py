"""``POST /tansiq/v1/letters``: where other parties' nodes hand us what they say.

200 once everything that could be taken is on disk, with a receipt for each letter; a letter that
was not taken keeps no other out, and is answered with the reason.
"""

from collections.abc import Callable, Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tansiq.clock import Clock
from tansiq.errors import BadInput, Forbidden, TansiqError, TooLarge
from tansiq.f3548 import codec
from tansiq.formats.delivery import PATH, Answer, Delivery, Fate
from tansiq.formats.letter import Letter, Wire, name_of, opened
from tansiq.http.authority import Identity
from tansiq.http.operations import read_body
from tansiq.services.line.inbox import Inbox, Taken
from tansiq.services.register import STRATEGIC_COORDINATION
from tansiq.settings import Limits

Identify = Callable[[Request, Sequence[str]], Identity]
_JSON = "application/json"


class LettersApi:
    """The peer-facing side of the line."""

    def __init__(
        self, inbox: Inbox, heard: Callable[[str, bool], None], clock: Clock, limits: Limits
    ) -> None:
        self._inbox = inbox
        self._heard = heard
        """Told who has delivered, and whether anything of it was new."""
        self._clock = clock
        self._limits = limits

    def routes(self, identify: Identify) -> list[Route]:
        """Return the routes; ``identify`` says who calls."""

        async def take_letters(request: Request) -> Response:
            caller = identify(request, [STRATEGIC_COORDINATION])
            if caller.party is None:
                raise Forbidden(f"{caller.id} is no party of the agreement")
            body = await read_body(request, self._limits.body_bytes_max)
            # When all of it was here: what came after is the sender's to wait for, not ours.
            received = self._clock.now()
            delivery = codec.decode(
                body, Delivery, bytes_max=self._limits.body_bytes_max, depth_max=4
            )
            if len(delivery.letters) > self._limits.letters_max:
                raise TooLarge(
                    f"{len(delivery.letters)} letters; at most {self._limits.letters_max}",
                    field="letters",
                )
            letters, fates = opened_all(delivery.letters)
            taken = await self._inbox.take(letters, received, sender=caller.id)
            self._heard(caller.id, any(each.new for each in taken))
            answer = Answer(fates_of(fates, taken))
            return Response(msgspec.json.encode(answer), media_type=_JSON)

        return [Route(PATH, take_letters, methods=["POST"])]


def opened_all(wires: Sequence[Wire]) -> tuple[list[Letter], dict[str, Fate]]:
    """Read letters; those that are none have their fate already."""
    letters: list[Letter] = []
    fates: dict[str, Fate] = {}
    for wire in wires:
        name = name_of(wire.note.encode("utf-8", "surrogatepass"))
        try:
            letter = opened(wire)
        except BadInput as error:
            fates[name] = Fate(name, code=error.code, problem=_said(error))
            continue
        letters.append(letter)
        fates[name] = Fate(name)
    return letters, fates


def fates_of(fates: dict[str, Fate], taken: Sequence[Taken]) -> tuple[Fate, ...]:
    """Return what became of all letters, in their order."""
    found = dict(fates)
    for each in taken:
        found[each.note] = _fate(each)
    return tuple(found.values())


def _fate(taken: Taken) -> Fate:
    if taken.error is not None:
        return Fate(taken.note, code=taken.error.code, problem=_said(taken.error))
    return Fate(taken.note, receipt=None if taken.receipt is None else taken.receipt.wire)


def _said(error: TansiqError) -> str:
    return str(error)[:1_000]
