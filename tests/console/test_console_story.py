"""The whole story in two windows, with a mouse, and what was exported verified without a node."""

import subprocess
import sys
from pathlib import Path

from tests.console.hands import Mouse
from tests.console.stage import Stage
from tests.console.story import Story, tell
from tests.console.windows import Windows


def verify_offline(story: Story, folder: Path) -> None:
    """Verify what was exported by the command, which asks no node."""
    assert story.file is not None
    bundle = folder / "story.bundle"
    bundle.write_bytes(story.file.read_bytes())
    agreement = story.stage.south.node.data / "agreement.toml"
    tansiq = Path(sys.executable).with_name("tansiq")
    command = [tansiq, "log", "verify", bundle, "--agreement", agreement]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout
    # One letter of it is another.
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 1
    bundle.write_bytes(content)
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode != 0


def test_the_story_with_a_mouse(own_stage: Stage, windows: Windows, tmp_path: Path) -> None:
    verify_offline(tell(own_stage, windows, Mouse()), tmp_path)
