"""Print the development tools named in pyproject.toml, for a pip older than dependency groups."""

import tomllib
from pathlib import Path

project = tomllib.loads(Path(__file__).parent.parent.joinpath("pyproject.toml").read_text())
print(" ".join(project["dependency-groups"]["dev"]))
