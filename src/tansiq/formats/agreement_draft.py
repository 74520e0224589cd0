"""The first agreement of two parties that have just met: the same bytes on both sides."""

from dataclasses import replace
from datetime import timedelta

from tansiq.domain.agreement import Agreement, Minima, Party, Register
from tansiq.domain.pact import AgreedTimers, Escalation, Lead, Role, Rung, Standing, Way
from tansiq.domain.volume import Outline
from tansiq.formats.agreement import AREA_KM2_DEFAULT, read_agreement, render_agreement

MINIMA_USUAL = Minima(horizontal_m=1_000.0, vertical_m=150.0, time=timedelta(seconds=60))
"""What is proposed where nobody says otherwise."""


def draft_agreement(
    inviter: Party, joiner: Party, *, area: Outline, minima: Minima = MINIMA_USUAL
) -> bytes:
    """Write an agreement of two parties around an area; the inviter's register is the gate.

    Everything is written out, so that the file says all that it means.

    Raises:
        BadInput: the area or the minima are not what an agreement takes.
    """
    # Desks are a party's own to add; an invitation has none, and both sides write the same.
    parties = tuple(replace(party, desks=()) for party in (inviter, joiner))
    name = " and ".join(party.names["en"] for party in parties)
    timers = AgreedTimers()
    text = render_agreement(
        Agreement(
            name=name if len(name) <= 120 else " and ".join(party.id for party in parties)[:120],
            digest="",  # Of the bytes, which do not exist yet.
            parties=parties,
            registers=tuple(Register(id=p.id, party=p.id, url=p.url) for p in parties),
            area=area,
            area_km2_max=AREA_KM2_DEFAULT,
            minima=minima,
            lead=Lead(general=timedelta(minutes=30)),
            timers=timers,
            escalation=(
                Escalation(rung=Rung.SEEN, after=timers.seen, role=Role.SENDER),
                Escalation(
                    rung=Rung.ANSWERED, after=timers.answered, role=Role.WATCH, by=Way.VOICE
                ),
            ),
            standing=Standing(confirm_every=timedelta(days=1), expire_after=timedelta(days=2)),
        )
    )
    read_agreement(text)
    return text
