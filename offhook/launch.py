"""Start a child process that can't outlive its parent and need not be root.

Run as a script, this file is the few instructions between fork and exec: it asks the kernel for a
signal when the parent dies (so `kill -9` of a supervisor leaves no orphans), steps down to another
account, and becomes the command; the process id stays the same. A script instead of `preexec_fn`,
because Python code in a forked child of a process with threads (Temporal's runtime has several)
can deadlock.

Only the standard library is imported: the script runs isolated from the environment's packages.
"""

import ctypes
import os
import pwd
import signal
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


def guarded(
    command: Sequence[str],
    *,
    death_signal: signal.Signals = signal.SIGKILL,
    user: str | None = None,
    reaching: Sequence[Path] = (),
) -> list[str]:
    """`command`, wrapped so that it gets `death_signal` when this process dies; run by `user`.

    An account that may not enter one of the folders `reaching` (root's home is closed to all
    others) keeps that one right of root, file access, rather than having the folders opened to
    everybody.
    """
    options = ["--parent", str(os.getpid()), "--signal", str(int(death_signal))]
    if user is not None:
        options += ["--user", user]
        if not all(enterable_by_all(path) for path in reaching):
            options.append("--keep-file-access")
    return [sys.executable, "-I", "-S", str(Path(__file__).resolve()), *options, "--", *command]


def enterable_by_all(path: Path) -> bool:
    """Whether every account may pass through the folders above `path`."""
    return all(
        parent.stat().st_mode & stat.S_IXOTH
        for parent in path.absolute().parents
        if parent.exists()
    )


def _prctl(option: int, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    values = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    if libc.prctl(option, *values) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def _become(user: str, *, keep_file_access: bool) -> None:
    account = pwd.getpwnam(user)
    if keep_file_access:
        _prctl(_PR_SET_KEEPCAPS, 1)
    os.setgroups([account.pw_gid])
    os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
    os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
    if keep_file_access:
        bit = 1 << _CAP_DAC_OVERRIDE
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        data = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.capset(header, data) != 0:
            raise OSError(ctypes.get_errno(), "capset")
        _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE)


def _main(arguments: list[str]) -> None:
    cut = arguments.index("--")
    options, command = arguments[:cut], arguments[cut + 1 :]
    parent = int(options[options.index("--parent") + 1])
    if "--user" in options:
        user = options[options.index("--user") + 1]
        _become(user, keep_file_access="--keep-file-access" in options)
    if sys.platform == "linux":
        # After the change of account, which clears it.
        _prctl(_PR_SET_PDEATHSIG, int(options[options.index("--signal") + 1]))
        if os.getppid() != parent:
            os._exit(1)  # the parent died before the kernel was asked to tell
    os.execvp(command[0], command)  # noqa: S606 - the command is ours, and no shell is wanted


if __name__ == "__main__":
    _main(sys.argv[1:])
