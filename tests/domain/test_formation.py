"""Who is exempt from whom: both must say so, and the agreement must name both."""

import pytest

from tansiq.domain.agreement import NO_MINIMA, Agreement, Formation, Party, Register
from tansiq.domain.intent import PartyID
from tansiq.domain.volume import Circle, LatLng

ATTACK = Formation(name="attack", callsigns=frozenset({"LEAD", "TANKER"}))
SURVEY = Formation(name="survey", callsigns=frozenset({"LEAD", "DRONE"}))
NORTH = Party(
    id=PartyID("north"), names={"en": "North"}, public_key=bytes(32), url="http://x", tls_sha256=b""
)
AGREEMENT = Agreement(
    name="Test",
    digest="",
    parties=(NORTH,),
    registers=(Register(id="north", party=NORTH.id, url=NORTH.url),),
    area=Circle(center=LatLng(0.0, 0.0), radius_m=1_000.0),
    area_km2_max=1.0,
    minima=NO_MINIMA,
    formations=(ATTACK, SURVEY),
)


@pytest.mark.parametrize(
    ("one", "other", "exempt"),
    [
        (("LEAD", "attack"), ("TANKER", "attack"), True),
        (("LEAD", "survey"), ("DRONE", "survey"), True),
        (("LEAD", "attack"), ("TANKER", ""), False),
        (("LEAD", ""), ("TANKER", ""), False),
        (("LEAD", "survey"), ("TANKER", "attack"), False),
        (("LEAD", "attack"), ("DRONE", "attack"), False),
        (("LEAD", "attack"), ("", "attack"), False),
        (("LEAD", "rescue"), ("TANKER", "rescue"), False),
        (("lead", "attack"), ("TANKER", "attack"), False),
    ],
)
def test_neither_side_can_exempt_itself_alone(
    one: tuple[str, str], other: tuple[str, str], *, exempt: bool
) -> None:
    assert AGREEMENT.same_formation(one, other) == exempt
    assert AGREEMENT.same_formation(other, one) == exempt
