"""The alternative in ``register.py``: a node that gives every write a commit of its own."""

import runpy

from tansiq.storage import sqlite

if __name__ == "__main__":
    sqlite.BATCH_MAX = 1  # type: ignore[misc]
    runpy.run_module("tansiq.cli.child", run_name="__main__")
