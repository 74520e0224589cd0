"""Outgoing exchanges of F3548-21, recorded: also those that were not answered, or never left.

Around ``Exchange`` rather than in it, so that what else is fetched (tokens, key sets) is not
recorded: secrets pass there.
"""

from collections.abc import Mapping

from tansiq.clock import Clock
from tansiq.domain.time import micros
from tansiq.errors import TansiqError
from tansiq.peers.exchange import Answer, Exchange
from tansiq.services.exchanges import ExchangeLog, Said, shown_headers, shown_url

_PATHS = ("/dss/v1/", "/uss/v1/")


class Recorded:
    """Sends like ``Exchange``, and notes what became of it."""

    def __init__(self, exchange: Exchange, log: ExchangeLog, clock: Clock, *, party: str) -> None:
        self._exchange = exchange
        self._log = log
        self._clock = clock
        self._party = party
        self.party_at = exchange.party_at
        self.close = exchange.close

    async def send(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        """Send one request and return the whole answer; raises what ``Exchange.send`` does."""
        if not any(path in url for path in _PATHS):
            return await self._exchange.send(method, url, headers=headers, body=body)
        asked = micros(self._clock.now())
        answer, problem = None, "given up before it was answered"
        try:
            answer = await self._exchange.send(method, url, headers=headers, body=body)
        except TansiqError as error:
            problem = error.message
            raise
        finally:
            # Cancelled ones too: what we said was said, whether or not we waited for the answer.
            self._log.note(
                self._peer(url),
                Said(
                    url=shown_url(url),
                    method=method,
                    role="Client",
                    source=self._party,
                    asked=asked,
                    headers=shown_headers(headers.items()),
                    request=body or b"",
                    answered=None if answer is None else micros(self._clock.now()),
                    answer=b"" if answer is None else answer.body,
                    code=None if answer is None else answer.status,
                    problem=problem if answer is None else None,
                ),
            )
        return answer

    def _peer(self, url: str) -> str:
        party = self.party_at(url)
        return url.split("/")[2] if party is None else party.id
