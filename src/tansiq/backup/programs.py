"""PostgreSQL's own programs, which copy a database and read such a copy."""

import os
import shutil
from pathlib import Path
from typing import Final

from tansiq.errors import BadInput

_DEBIAN: Final = Path("/usr/lib/postgresql")


def program(name: str) -> str:
    """Return where one of PostgreSQL's programs is.

    Raises:
        BadInput: it is not installed.
    """
    if (found := shutil.which(name)) is not None:
        return found
    for folder in sorted(_DEBIAN.glob("*/bin"), key=lambda each: each.parent.name.zfill(4))[::-1]:
        if os.access(folder / name, os.X_OK):
            return str(folder / name)
    raise BadInput(
        "is needed for a store in a database and is not installed here: install PostgreSQL's "
        "client programs, such as: sudo apt-get install postgresql-client",
        field=name,
    )
