"""Ports for nodes that tests start."""

import random
import socket
from typing import Final

# Below those that a system gives to outgoing connections: one of these could take a port between
# the moment that it is found free and the moment that a node listens there.
_FIRST: Final = 10_000
_LAST: Final = 32_000


def free_ports(count: int) -> list[int]:
    """Return ports on which nothing listens now, all different."""
    ports: list[int] = []
    probes: list[socket.socket] = []
    chance = random.SystemRandom()  # Other processes look at the same time.
    try:
        while len(ports) < count:
            probe = socket.socket()
            probes.append(probe)
            port = chance.randrange(_FIRST, _LAST)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            ports.append(port)
    finally:
        for probe in probes:
            probe.close()
    return ports
