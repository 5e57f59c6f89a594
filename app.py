"""Starts the studio: `python app.py`, then open the address that it prints.

STUDIO_HOST and STUDIO_PORT say where it listens, STUDIO_HOME where runs and uploads are kept. STUDIO_LAUNCHER=thread
trains in this very process, for hosts that allow no children. STUDIO_CHAT_IDLE=30 lets go of the Compare tab's models
after 30 minutes without a question.
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

from studio.errors import StudioError
from studio.home import SPACE_DISK, Home, open_home


def main() -> None:
    """Open the home, build the page and serve it until it is told to end.

    What the page imports takes seconds, so it is imported when the home is known to be good.

    Raises:
        StudioError: the home cannot be opened.
    """
    serve(open_home())


def serve(home: Home) -> None:
    """Build the page of a home and serve it until it is told to end."""
    import uvicorn

    from studio.run.launchers import Launcher, ProcessLauncher, ThreadLauncher
    from studio.ui.server import web_app
    from studio.ui.studio import Studio

    os.environ.setdefault("GRADIO_TEMP_DIR", str(home.root / "tmp"))  # nothing is written outside the home
    if home.root.is_relative_to(SPACE_DISK):
        os.environ.setdefault("HF_HOME", str(home.root / "hub"))  # fetched models outlive a restart of the Space
    host, port = os.environ.get("STUDIO_HOST", "127.0.0.1"), int(os.environ.get("STUDIO_PORT", "7860"))
    launcher: Launcher = ThreadLauncher() if os.environ.get("STUDIO_LAUNCHER") == "thread" else ProcessLauncher(home)
    studio = Studio(home, launcher, chat_idle=_chat_idle())
    app = web_app(studio, host, port)
    print(f"Atelier is open at http://{host}:{port} (runs in {home.runs})", flush=True)
    uvicorn.run(app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=2)
    for run in studio.active_runs() if isinstance(launcher, ProcessLauncher) else []:
        print(f"{run.name} goes on in a process of its own. To end it: python -m studio stop {run.name}")


def _chat_idle() -> float | None:
    """Minutes, as the environment has them."""
    asked = os.environ.get("STUDIO_CHAT_IDLE", "").strip()
    try:
        return float(asked) if asked else None
    except ValueError:
        raise StudioError(f"STUDIO_CHAT_IDLE={asked!r} is no number. Set it to minutes, such as 30.") from None


if __name__ == "__main__":
    try:
        main()
    except StudioError as error:
        sys.exit(str(error))
