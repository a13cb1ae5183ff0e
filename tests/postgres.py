"""A PostgreSQL server of one's own, of Debian's package."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BINARIES = next(
    iter(sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)), os.path.dirname(shutil.which("postgres") or "")
)


class Server:
    """A database server of its own, in a folder of its own, on loopback."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # The server refuses to run as root.
        self.user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        shutil.chown(folder, self.user)
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
        self.url = f"postgresql+psycopg://grader@127.0.0.1:{self.port}/postgres"
        self.run("initdb", "-D", f"{folder}/data", "-U", "grader", "-A", "trust", "-N", "-E", "UTF8", "--no-locale")

    def run(self, program: str, *arguments: str) -> None:
        assert BINARIES, "these tests need PostgreSQL: apt-get install postgresql"
        user = self.user if os.geteuid() == 0 else None
        line = [f"{BINARIES}/{program}", *arguments]
        done = subprocess.run(
            line, user=user, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
        )
        assert done.returncode == 0, done.stderr.decode()

    def start(self) -> None:
        options = f"-p {self.port} -h 127.0.0.1 -k {self.folder} -c fsync=off"
        self.run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-l", f"{self.folder}/log", "-o", options, "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-m", "immediate", "stop")


@contextmanager
def postgres() -> Iterator[Server]:
    """A server that runs."""
    with tempfile.TemporaryDirectory(prefix="autograder-postgres-") as folder:
        server = Server(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()
