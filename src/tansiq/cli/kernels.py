"""Whether a command has the engine as machine code: loading it takes a second, making it a minute.

Nothing here imports the engine: how its kernels run is decided when they are first imported.
"""

import os
import sys
from importlib import import_module

PLAIN = "TANSIQ_PLAIN_KERNELS"
"""The name of ``engine.compiled.PLAIN``."""


def choose(*, volumes: int, enough: int) -> None:
    """Do without machine code for so few volumes; the results are the same to the bit."""
    if volumes > enough or "tansiq.engine.compiled" in sys.modules:
        return
    before = os.environ.get(PLAIN)
    os.environ[PLAIN] = "1"
    try:
        import_module("tansiq.engine.compiled")
    finally:
        # A child process decides for itself.
        if before is None:
            del os.environ[PLAIN]
