"""Make screenshots of every step of the story of two cells, in four languages, in both windows.

`screenshots.py` writes `build/screens/LANGUAGE/NN-STEP-WINDOW.png`, to be looked at, a sheet of all
of a language in `docs/screens/`, and the two pictures that the README shows. `screenshots.py ar he`
makes those of some languages only.
"""

import sys
import tempfile
from pathlib import Path
from typing import Final

from PIL import Image

ROOT: Final = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.console.hands import Mouse  # noqa: E402
from tests.console.stage import stage  # noqa: E402
from tests.console.story import VIEW, Story  # noqa: E402
from tests.console.windows import Windows, browser  # noqa: E402

LANGUAGES: Final = ("en", "ar", "he", "ru")
ALL: Final = ROOT / "build" / "screens"
KEPT: Final = ROOT / "docs" / "screens"
README: Final = {
    # The board with a conversation that both have signed, and the map with an alarm.
    ("ar", "sign", "north"): "board.png",
    ("en", "alarm", "south"): "map.png",
}
COLOURS: Final = 96
_COLUMNS, _SMALL = 6, (400, 250)
_SETTLE_MS: Final = 700


def main(languages: list[str]) -> int:
    KEPT.mkdir(parents=True, exist_ok=True)
    with browser() as chromium:
        for language in languages:
            made = tell(Windows(chromium), language)
            sheet(made, KEPT / f"steps-{language}.png")
            print(f"{language}: {len(made)} pictures in {ALL / language}")
    return 0


def tell(windows: Windows, language: str) -> list[Path]:
    """Tell the story in one language; return the pictures of its steps, in order."""
    folder = ALL / language
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    made: list[Path] = []
    with tempfile.TemporaryDirectory() as data, stage(Path(data)) as up:
        south = windows.open(up.south, "noa", language=language, script=VIEW)
        north = windows.open(up.north, "salma", language=language, script=VIEW)
        admin = windows.open(up.south, "chief", language=language, script=VIEW)
        story = Story(up, south, north, admin, Mouse())
        try:
            story.prepare()
            for number, (name, step) in enumerate(story.steps(), 1):
                step()
                shown = {"south": south, "north": north}
                if name in ("export", "verify"):
                    shown = {"admin": admin}
                for which, window in shown.items():
                    window.page.wait_for_timeout(_SETTLE_MS)
                    path = folder / f"{number:02}-{name}-{which}.png"
                    window.page.screenshot(path=path)
                    made.append(path)
                    if (language, name, which) in README:
                        smaller(path, KEPT / README[language, name, which])
        finally:
            story.close()
            windows.close()
    return made


def smaller(path: Path, to: Path) -> None:
    """Write a picture with few colours, which is what our screens have."""
    with Image.open(path) as image:
        image.convert("RGB").quantize(COLOURS).save(to, optimize=True)


def sheet(pictures: list[Path], to: Path) -> None:
    """Write all pictures of a language on one sheet."""
    width, height = _SMALL
    rows = -(-len(pictures) // _COLUMNS)
    whole = Image.new("RGB", (width * _COLUMNS, height * rows))
    for number, path in enumerate(pictures):
        with Image.open(path) as image:
            small = image.convert("RGB").resize(_SMALL, Image.Resampling.LANCZOS)
        whole.paste(small, (number % _COLUMNS * width, number // _COLUMNS * height))
    whole.quantize(COLOURS).save(to, optimize=True)


if __name__ == "__main__":
    wanted = sys.argv[1:] or list(LANGUAGES)
    unknown = [each for each in wanted if each not in LANGUAGES]
    if unknown:
        sys.exit(f"no such language: {', '.join(unknown)}; there are {', '.join(LANGUAGES)}")
    sys.exit(main(wanted))
