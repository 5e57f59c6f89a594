"""Trainers without the wait for their imports: a warm parent has imported everything and forks them.

What is forked is the studio's own worker, in a session of its own, started by the studio's own launcher, and a kill -9
of it is as real as of any process. Only its imports have been done before.

    python benchmarks/forked.py serve SOCKET                        the warm parent; prints a line when it is ready
    python -S benchmarks/forked.py SOCKET -m studio.run.worker      has a trainer forked and ends when that does
    python -S benchmarks/forked.py SOCKET app HOME                  the same for an app: a queue with its launcher
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path

HERE = Path(__file__).resolve()
LONGEST = 65536  # bytes of a request: the arguments and the environment


def ask(address: str, arguments: list[str]) -> None:
    """Have the warm parent fork a process with this one's standard streams; return when that has ended."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as there:
        there.connect(address)
        request = json.dumps({"arguments": arguments, "environment": dict(os.environ)}).encode()
        socket.send_fds(there, [request], [0, 1, 2])
        os.close(0)  # else a worker would never learn that nobody will name it a run
        if not there.recv(1):  # it ended without a word: so does this one, for whoever waits for it
            os.kill(os.getpid(), signal.SIGKILL)


def serve(address: str) -> None:
    """Fork what is asked for until standard input closes."""
    sys.path.insert(0, str(HERE.parent.parent))
    import psutil  # noqa: F401

    import studio.run.queue
    import studio.run.worker  # noqa: F401
    from studio.run.tasks.every import runner_of  # noqa: F401
    from studio.run.train import train  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the dead
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as here:
        here.bind(address)
        here.listen(64)
        print("ready", flush=True)
        while True:
            client, _ = here.accept()
            request, descriptors, _, _ = socket.recv_fds(client, LONGEST, 3)
            if not os.fork():
                here.close()
                _become(json.loads(request), descriptors)
                status = _do(json.loads(request)["arguments"], address)
                client.send(b".")
                os._exit(status)
            client.close()
            for descriptor in descriptors:
                os.close(descriptor)


def _become(request: dict, descriptors: list[int]) -> None:
    """Take over the client's streams and environment."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(request["environment"])


def _do(arguments: list[str], address: str) -> int:
    try:
        if arguments[0] == "app":
            _app(Path(arguments[1]), address)
        else:
            from studio.run.worker import work

            work()
    except BaseException:
        import traceback

        traceback.print_exc()
        return 1
    return 0


def _app(home: Path, address: str) -> None:
    """A queue with its launcher, until it is killed. The launcher's children are forked by the same warm parent."""
    import threading

    from studio.home import open_home
    from studio.run.launchers import ProcessLauncher
    from studio.run.queue import Queue

    opened = open_home(home)
    queue = Queue(opened, ProcessLauncher(opened, (sys.executable, "-S", str(HERE), address)))
    queue.start()
    print(os.getpid(), flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        ask(sys.argv[1], sys.argv[2:])
