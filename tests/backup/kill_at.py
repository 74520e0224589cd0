"""``kill_at.py HOW ARCHIVE DATA FILES LINES``: kills at each of these lines, and says what is left.

For each line one JSON list: the names of the folders beside DATA after it, each with what it holds:
``old``, ``new``, ``half`` or ``none``. LINES may be ``count``: then it prints how many there are.
"""

import json
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from folders import tree
from killed import once


def main(how: str, archive: Path, data: Path, files: list[str], lines: list[int]) -> None:
    place = data.parent / "place"
    target = place / data.name

    def fresh() -> None:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        shutil.copytree(data, target)

    fresh()
    old = tree(target)
    count = once(how, archive, target, 0, files)
    new = tree(target)
    if not lines:
        print(json.dumps(count))
        return
    found = []
    for line in lines:
        fresh()
        output = archive.with_name(f"{archive.name}.{line}") if how == "backup" else archive
        once(how, output, target, line, files)
        found.append({each.name: _what(tree(each), old, new) for each in sorted(place.iterdir())})
    print(json.dumps(found))


def _what(found: dict[str, str], old: dict[str, str], new: dict[str, str]) -> str:
    if found == old:
        return "old"
    return "new" if found == new else "half"


if __name__ == "__main__":
    how, archive, data, files, lines = sys.argv[1:]
    main(how, Path(archive), Path(data), json.loads(files), json.loads(lines))
