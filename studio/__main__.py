"""The same studio without a browser: `python -m studio VERB`. Exit status: 0 done, 1 failed, 2 asked wrongly."""

from __future__ import annotations

import os
import sys

from studio.cli.parser import parse
from studio.errors import StudioError


def main(arguments: list[str] | None = None) -> int:
    """Run one verb and return its exit status; the reason of a failure goes to standard error."""
    options = parse(arguments)
    try:
        status = int(options.verb(options))
        sys.stdout.flush()
        return status
    except StudioError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        print("The output was closed before all of it was written.", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains of it at its exit
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
