"""The whole story in two windows once more, with nothing but keys."""

import pytest
from tests.console.hands import Keys, NoMouse
from tests.console.stage import Stage
from tests.console.story import tell
from tests.console.windows import Windows


def test_the_story_with_keys_alone(own_stage: Stage, windows: Windows) -> None:
    story = tell(own_stage, windows, Keys(), NoMouse.SCRIPT)
    for window in (story.south, story.north, story.admin):
        NoMouse.check(window)


def test_a_mouse_among_the_keys_would_be_seen(shared_stage: Stage, windows: Windows) -> None:
    window = windows.open(shared_stage.south, "noa", script=NoMouse.SCRIPT)
    window.go("board")
    NoMouse.check(window)
    window("main h1").click()
    with pytest.raises(AssertionError, match="a mouse was used"):
        NoMouse.check(window)
