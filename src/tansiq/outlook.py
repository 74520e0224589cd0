"""What a node shows of its picture to programs that are not ours, joined: ``Node`` owns it."""

from collections.abc import Callable
from dataclasses import dataclass

from tansiq.clock import Clock
from tansiq.http.cot_stream import CotCounts, CotStream
from tansiq.http.watch_stream import WatchStream
from tansiq.services.watch.fanout import Fanout
from tansiq.services.watch.picture import Pictures, Sources
from tansiq.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """The picture in every form, and whoever reads it."""

    pictures: Pictures
    fanout: Fanout
    stream: WatchStream
    counts: CotCounts
    cot: CotStream | None
    """None: the settings open no port for TAK clients."""

    @classmethod
    def of(cls, sources: Sources, clock: Clock, settings: Settings) -> "Outlook":
        """Join it over where the picture comes from.

        Raises:
            BadInput: a certificate that the port for TAK clients needs cannot be read.
        """
        limits, timers = settings.limits, settings.timers
        pictures = Pictures(sources, clock, limits, timers)
        fanout = Fanout(sources.watch, clock, timers)
        counts = CotCounts()
        port = settings.cot
        return cls(
            pictures=pictures,
            fanout=fanout,
            stream=WatchStream(fanout, clock, limits, timers),
            counts=counts,
            cot=(
                None
                if port is None
                else CotStream(port, pictures, clock, data=settings.data, counts=counts)
            ),
        )

    @property
    def changed(self) -> Callable[[], None]:
        """Return what the watch calls when it has something new to show."""
        return self.fanout.changed

    async def start(self) -> None:
        """Begin.

        Raises:
            OSError: the port for TAK clients is taken.
        """
        self.fanout.start()
        if self.cot is not None:
            await self.cot.start()

    def let_go(self) -> None:
        """Let readers end: the node is about to stop, and waits for their connections."""
        self.fanout.let_go()

    async def stop(self) -> None:
        """Disconnect everybody."""
        if self.cot is not None:
            await self.cot.stop()
        await self.fanout.stop()
