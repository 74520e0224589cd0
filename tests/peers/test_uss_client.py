"""What we ask of other managers, over a real connection."""

import asyncio

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tansiq.clock import SystemClock
from tansiq.domain.agreement import Agreement, Minima, Party, Register
from tansiq.domain.intent import PartyID
from tansiq.domain.volume import Circle, LatLng
from tansiq.errors import PeerRefused
from tansiq.peers.exchange import Exchange
from tansiq.peers.link import Answer, Link
from tansiq.peers.register_client import message_of
from tansiq.peers.uss_client import UssClient
from tansiq.settings import Limits, Timers

pytestmark = pytest.mark.anyio
INTENT = "2f8343be-6482-4d1b-a474-16847e01af1e"
US = Party(
    id=PartyID("north"),
    names={"en": "North"},
    public_key=Ed25519PrivateKey.generate().public_key().public_bytes_raw(),
    url="http://127.0.0.1:8443",
    tls_sha256=b"",
)
ALONE = Agreement(
    name="Alone",
    digest="ab" * 32,
    parties=(US,),
    registers=(Register(id="north", party=US.id, url=US.url),),
    area=Circle(center=LatLng(0, 0), radius_m=1_000),
    area_km2_max=2_500,
    minima=Minima(),
)


class AnyToken:
    """Tokens that nobody looks at."""

    async def token(self, _url: str, _scope: str) -> str:
        return "token"

    def refused(self, _url: str, _scope: str, _token: str) -> bool:
        return False


async def test_a_base_url_with_a_query_is_not_called() -> None:
    """Else a supplier could send our requests, with our token, to any path of any service."""
    called: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.append((await reader.readuntil(b"\r\n")).split()[1])
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/north"
    exchange = Exchange(ALONE, SystemClock(), Limits(), Timers())
    client = UssClient(Link(exchange, AnyToken()), Limits())
    try:
        for tail in ("?", "?delete=", "#"):
            for ask in (
                client.intent_details(base_url + tail, INTENT),
                client.constraint_details(base_url + tail, INTENT),
                client.notify(base_url + tail, "intent", b"{}"),
            ):
                with pytest.raises(PeerRefused, match="nothing was sent"):
                    await ask
        assert called == []
        with pytest.raises(PeerRefused, match="404"):
            await client.intent_details(base_url, INTENT)
        assert called == [f"/north/uss/v1/operational_intents/{INTENT}".encode()]
    finally:
        await exchange.close()
        server.close()


@pytest.mark.parametrize("body", [b'{"message": "no\\u001b[2J\\r\\nyes"}', b"no\x1b[2J\r\nyes"])
def test_what_a_peer_answers_does_not_steer_the_terminal(body: bytes) -> None:
    assert message_of(Answer(400, body)) == "no?[2J??yes"
    assert message_of(Answer(400, b'{"message": "' + b"x" * 300 + b'"}')) == "x" * 300
    assert message_of(Answer(400, b'{"message": "' + b"x" * 301 + b'"}')) == "x" * 300 + "\u2026"
