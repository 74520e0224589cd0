"""``python -m tansiq.cli.child serve --data DIR``: a node that ends with its starter.

The starter holds the other end of our standard input and never writes. When it goes, however it
goes, the read ends, and the node stops as it would on SIGTERM. This needs nothing of the platform,
unlike a parent-death signal.
"""

import os
import signal
import threading

from tansiq.cli.main import main


def _end_with_starter() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    # A daemon: it must not keep a node alive that ends for reasons of its own.
    threading.Thread(target=_end_with_starter, daemon=True).start()
    main()
