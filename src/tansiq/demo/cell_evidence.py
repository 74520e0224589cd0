"""Evidence exported by two parties and verified without any node, by the commands that people use.

Where this version has no ``tansiq log``, that is said, and the step is left out.
"""

import asyncio
import os
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from tansiq.demo.cell_desk import Desk
from tansiq.demo.cell_floor import Floor
from tansiq.demo.cells import NORTH, SOUTH
from tansiq.domain.time import zulu

_PROGRAM: Final = "from tansiq.cli.main import main; main()"
_SHOWN: Final = 6
"""Lines of what a command says."""


async def evidence(floor: Floor, folder: Path, since: datetime) -> None:
    """Export both sides' record of the line between them, verify each, and compare the two."""
    floor.step("Evidence: both cells export their record, and it is verified without a node")
    code, text = await _tansiq("log", "--help")
    if code != 0 or not all(name in text for name in ("export", "verify", "compare")):
        floor.narrate("not part of this version: it has no `tansiq log export|verify|compare` yet")
        return
    north, south = floor.desks[NORTH], floor.desks[SOUTH]
    until = north.clock.now() + timedelta(seconds=1)
    files = []
    for desk, other in ((north, south), (south, north)):
        file = folder / f"{desk.party}.bundle"
        files.append(file)
        await _export(floor, desk, other, file, (since, until))
        agreement = desk.node.data / "agreement.toml"
        await _run(floor, f"verify {file.name}", "log", "verify", file, "--agreement", agreement)
    await _run(floor, "compare the two", "log", "compare", *files)


async def _export(
    floor: Floor, desk: Desk, other: Desk, file: Path, window: tuple[datetime, datetime]
) -> None:
    since, until = map(zulu, window)
    options = ["--from", since, "--to-time", until, "--party", other.party]
    options += ["--output", str(file), "--data", str(desk.node.data)]
    await _run(floor, f"export {file.name}", "log", "export", *options, token=desk.node.token)


async def _run(floor: Floor, what: str, *arguments: object, token: str = "") -> None:
    code, text = await _tansiq(*map(str, arguments), env={"TANSIQ_TOKEN": token} if token else {})
    floor.check(code == 0, f"{what}: exit {code}")
    for line in text.splitlines()[:_SHOWN]:
        if line.strip():
            floor.narrate(f"  {line}")


async def _tansiq(*arguments: str, env: Mapping[str, str] | None = None) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _PROGRAM, *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **(env or {})},
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode(errors="replace")
