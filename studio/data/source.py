"""Where rows come from: what a recipe's path names."""

from pathlib import Path

from studio.home import CHECKOUT


def data_file(path: str) -> Path:
    """The file that a recipe names: as seen from the working directory, else from the studio's own folder."""
    asked = Path(path).expanduser()
    inside = CHECKOUT / asked
    return inside if not asked.exists() and inside.exists() else asked
