"""Asterisk 22, SIPp and a speech synthesizer in a folder of their own: no root, nothing installed.

The packages are Debian's, of a suite that has Asterisk (the stable ones have none), unpacked and
not configured; the programs are run through the loader and the libraries that were unpacked beside
them, so the machine's own are neither used nor touched. The mirror, its proxy and the keys that
packages are signed with are those that the machine's own apt uses.
"""

import fcntl
import getpass
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from offhook.errors import OffhookError

PACKAGES = (
    "asterisk",
    "asterisk-core-sounds-en-gsm",
    "libgsm1",
    "zlib1g",
    "sip-tester",
    "espeak-ng",
)
_MANIFEST = "installed.json"
_LAYOUT = 1
"""Raised when what is unpacked, or how, changes: an older folder is then made anew."""
_KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
)
_NEEDED = ("apt-get", "apt-cache", "apt-config", "dpkg", "dpkg-deb")
_UNUSED = ("doc", "man", "locale", "lintian", "bug", "zoneinfo", "info")
_COMMAND_S = 600.0

Progress = Callable[[str], None]


class Suite(StrEnum):
    """A Debian suite that has Asterisk 22."""

    forky = "forky"
    sid = "sid"


class CannotInstall(OffhookError):
    """The private PBX can't be installed on this machine."""

    code = "pbx_cannot_install"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A whole installation."""

    root: Path
    versions: Mapping[str, str]
    """Package to version, of what was asked for."""

    @property
    def modules(self) -> Path:
        """Asterisk's modules."""
        return _only(self.root, "usr/lib/*/asterisk/modules")

    @property
    def data(self) -> Path:
        """Asterisk's sounds and documentation."""
        return self.root / "usr/share/asterisk"

    @property
    def speech_data(self) -> Path:
        """The folder that holds espeak-ng's voices."""
        return _only(self.root, "usr/lib/*/espeak-ng-data").parent

    @property
    def tones(self) -> Path:
        """SIPp's captured keypad tones (RFC 2833), one file for each key."""
        return self.root / "usr/share/sip-tester"

    def command(self, program: str, *arguments: str | Path) -> list[str]:
        """The command line that runs an unpacked program with its own loader and libraries."""
        found = next(
            (
                path
                for place in ("usr/sbin", "usr/bin")
                if (path := self.root / place / program).is_file()
            ),
            None,
        )
        if found is None:
            raise CannotInstall(
                f"{program} is not in {self.root}",
                hint="remove that folder and run `offhook pbx install` again",
            )
        triplet = _triplet(self.root)
        libraries = [self.root / "usr/lib" / triplet, self.root / "lib" / triplet]
        libraries.append(libraries[0] / "pulseaudio")  # of the synthesizer's; no sound is played
        # Without the cache: the machine's own names libraries that would get into the process.
        return [
            str(_loader(self.root)),
            "--inhibit-cache",
            "--library-path",
            ":".join(map(str, [*libraries, self.root / "usr/lib"])),
            str(found),
            *map(str, arguments),
        ]


def default_folder() -> Path:
    """Where installations are kept between runs, one for all homes of a person."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "offhook" / "pbx"


def installed(folder: Path | None = None, *, suite: Suite = Suite.forky) -> Installed | None:
    """The installation in `folder`, if there is a whole one."""
    place = (folder or default_folder()).absolute() / suite
    try:
        said = json.loads((place / _MANIFEST).read_text())
    except (FileNotFoundError, ValueError):
        return None
    if said.get("layout") != _LAYOUT:
        return None
    return Installed(root=place / "rootfs", versions=said["versions"])


def install(
    folder: Path | None = None,
    *,
    suite: Suite = Suite.forky,
    mirror: str | None = None,
    progress: Progress = lambda _: None,
) -> Installed:
    """Install into `folder` unless it is there; what was downloaded before is not fetched again.

    Two processes that install at once wait for each other. Raises `CannotInstall`; whatever
    happens, a half installation is never taken for a whole one.
    """
    base = (folder or default_folder()).absolute()
    if found := installed(base, suite=suite):
        return found
    _check_machine()
    try:
        base.mkdir(parents=True, exist_ok=True)
        with _alone(base):
            # Another process may have done it while this one waited.
            return installed(base, suite=suite) or _install(base, suite, mirror, progress)
    except OSError as error:
        raise CannotInstall(
            f"{base}: {error.strerror or error}",
            hint="give a folder that you may write to, with 250 MB free: --folder",
        ) from error


def _check_machine() -> None:
    missing = [name for name in _NEEDED if shutil.which(name) is None]
    if missing:
        raise CannotInstall(
            f"this machine has no {', '.join(missing)}: Asterisk is unpacked from Debian packages",
            hint="use a machine with Debian or a system made from it, or an Asterisk that you "
            "already have: `offhook switch add asterisk`",
        )


@contextmanager
def _alone(base: Path) -> Iterator[None]:
    handle = os.open(base / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _install(base: Path, suite: Suite, mirror: str | None, progress: Progress) -> Installed:
    apt = _PrivateApt(base / "downloads" / suite, suite, mirror or _mirror())
    progress(f"reading what Debian {suite} has")
    apt.update()
    progress("downloading Asterisk, SIPp and a speech synthesizer (about 40 MB)")
    packages = apt.download()
    half = base / f"{suite}.half"
    shutil.rmtree(half, ignore_errors=True)
    root = half / "rootfs"
    root.mkdir(parents=True)
    progress(f"unpacking {len(packages)} packages")
    for package in packages:
        _run(["dpkg-deb", "-x", str(package), str(root)])
    _tidy(root)
    made = Installed(root=root, versions=apt.versions())
    _prove(made)
    said = {"layout": _LAYOUT, "suite": suite, "versions": made.versions}
    (half / _MANIFEST).write_text(json.dumps(said, indent=2) + "\n")
    whole = base / suite
    shutil.rmtree(whole, ignore_errors=True)
    half.rename(whole)
    shutil.rmtree(apt.folder, ignore_errors=True)
    progress(f"Asterisk {made.versions['asterisk']} is in {whole}")
    return Installed(root=whole / "rootfs", versions=made.versions)


def _tidy(root: Path) -> None:
    """Drop what nothing here reads, and give the English prompts the name Asterisk looks for."""
    for name in _UNUSED:
        shutil.rmtree(root / "usr/share" / name, ignore_errors=True)
    shutil.rmtree(root / "etc", ignore_errors=True)
    english = root / "usr/share/asterisk/sounds/en"
    if not english.exists():
        english.unlink(missing_ok=True)
        english.symlink_to("en_US_f_Allison")


def _prove(made: Installed) -> None:
    """Run each program once: what can't say its version can't take calls either."""
    for program, argument in (("asterisk", "-V"), ("espeak-ng", "--version")):
        _run(made.command(program, argument))
    # SIPp says its version with another exit code than 0.
    said = subprocess.run(  # noqa: S603 - our own command line
        made.command("sipp", "-v"), capture_output=True, text=True, check=False, timeout=60
    )
    if "SIPp" not in said.stdout + said.stderr:
        raise CannotInstall(
            f"the unpacked sipp does not run: {said.stderr.strip()[-300:]}",
            hint="try another suite: `offhook pbx install --suite sid`",
        )


class _PrivateApt:
    """An apt that knows one suite, thinks nothing is installed, and writes only in its folder."""

    def __init__(self, folder: Path, suite: Suite, mirror: str) -> None:
        self.folder = folder
        self._suite = suite
        self._mirror = mirror
        self._archives = folder / "cache/archives"

    def update(self) -> None:
        """Fetch the suite's index."""
        for name in ("etc", "state/lists/partial", "cache/archives/partial"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        architecture = _run(["dpkg", "--print-architecture"]).strip()
        keyring = next((path for path in _KEYRINGS if path.exists()), None)
        if keyring is None:
            raise CannotInstall(
                "this machine doesn't have the keys that Debian packages are signed with",
                hint="install the package debian-archive-keyring",
            )
        (self.folder / "etc/sources.list").write_text(
            f"deb [signed-by={keyring} arch={architecture}] {self._mirror} {self._suite} main\n"
        )
        (self.folder / "apt.conf").write_text(self._configuration(architecture))
        (self.folder / "status").write_text("")
        self._apt("apt-get", "-qq", "update")

    def download(self) -> Sequence[Path]:
        """Fetch the packages and what they need; the paths of all of them."""
        self._pretend(self._version("asterisk"))
        self._apt("apt-get", "-qq", "-y", "--download-only", "install", *PACKAGES)
        # By name and without what it needs: a hundred libraries of modules that nobody loads here.
        self._apt("apt-get", "-qq", "download", "asterisk-modules", cwd=self._archives)
        return sorted(self._archives.glob("*.deb"))

    def versions(self) -> dict[str, str]:
        """The versions of what was asked for."""
        return {name: self._version(name) for name in PACKAGES}

    def _version(self, package: str) -> str:
        shown = self._apt("apt-cache", "show", "--no-all-versions", package)
        for line in shown.splitlines():
            if line.startswith("Version: "):
                return line.removeprefix("Version: ").strip()
        raise CannotInstall(
            f"Debian {self._suite} at this mirror has no package {package}",
            hint="try another suite: `offhook pbx install --suite sid`",
        )

    def _pretend(self, version: str) -> None:
        """Say that one package provides what only installation scripts need."""
        architecture = _run(["dpkg", "--print-architecture"]).strip()
        provided = (
            f"asterisk-modules (= {version}), asterisk-config (= {version}), "
            "asterisk-config-custom, adduser, passwd, lsb-base, init-system-helpers"
        )
        (self.folder / "status").write_text(
            "Package: offhook-pretend\nStatus: install ok installed\nVersion: 1\n"
            f"Architecture: {architecture}\nMulti-Arch: foreign\n"
            f"Maintainer: nobody <nobody@localhost>\nProvides: {provided}\nDescription: none\n\n"
        )

    def _configuration(self, architecture: str) -> str:
        folder = self.folder
        return "\n".join(
            [
                *_network_settings(),
                f'Dir::Etc "{folder}/etc";',
                f'Dir::Etc::sourcelist "{folder}/etc/sources.list";',
                'Dir::Etc::sourceparts "-";',
                f'Dir::State "{folder}/state";',
                f'Dir::State::status "{folder}/status";',
                f'Dir::Cache "{folder}/cache";',
                'Acquire::Languages "none";',
                # The mirror may be a frozen snapshot; signatures are checked all the same.
                'Acquire::Check-Valid-Until "false";',
                'Acquire::Retries "3";',
                'APT::Install-Recommends "false";',
                f'APT::Architecture "{architecture}";',
                f'APT::Architectures {{ "{architecture}"; }};',
                # apt would step down to an account that can't enter the cache folder.
                f'APT::Sandbox::User "{getpass.getuser()}";',
                "",
            ]
        )

    def _apt(self, *command: str, cwd: Path | None = None) -> str:
        environment = {
            **os.environ,
            "APT_CONFIG": str(self.folder / "apt.conf"),
            "DEBIAN_FRONTEND": "noninteractive",
            "LC_ALL": "C",
        }
        return _run(command, cwd=cwd, environment=environment)


def _network_settings() -> list[str]:
    """How this machine's apt reaches its mirror: proxies, certificates, time-outs."""
    kinds = ("Acquire::http::", "Acquire::https::", "Acquire::ftp::")
    dumped = _run(["apt-config", "dump", "Acquire"])
    return [line for line in dumped.splitlines() if line.startswith(kinds)]


def _mirror() -> str:
    """The Debian mirror of this machine's own apt."""
    targets = _run(["apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)"])
    for line in targets.splitlines():
        if line.startswith("Debian "):
            return line.removeprefix("Debian ").strip()
    # Before the first `apt-get update` apt knows no labels, but it knows where it would look.
    for line in _run(["apt-get", "--print-uris", "update"]).splitlines():
        address, found, _ = line.lstrip("'").partition("/dists/")
        if found and address.endswith("/debian"):
            return f"{address}/"
    raise CannotInstall(
        "this machine's apt has no Debian mirror among its sources",
        hint="name one: `offhook pbx install --mirror URL`",
    )


def _run(
    command: Sequence[str], *, cwd: Path | None = None, environment: dict[str, str] | None = None
) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - our own command line
            command, cwd=cwd, env=environment, capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL, timeout=_COMMAND_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise CannotInstall(
            f"{' '.join(command[:3])} took longer than {_COMMAND_S:.0f} s",
            hint="run the command again: it goes on where it stopped",
        ) from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise CannotInstall(
            f"{' '.join(command[:3])} failed: {said[-400:]}",
            hint="if that is the network or the mirror, run it again: it goes on where it stopped; "
            "else name a mirror with --mirror",
        )
    return done.stdout


def _triplet(root: Path) -> str:
    return _only(root, "usr/lib/*/libc.so.6").parent.name


def _loader(root: Path) -> Path:
    for pattern in ("usr/lib64/ld-linux-*.so.*", "usr/lib/ld-linux-*.so.*", "usr/lib/*/ld-*.so.*"):
        if found := sorted(root.glob(pattern)):
            return found[0]
    raise CannotInstall(
        f"no loader among the unpacked packages in {root}",
        hint="remove that folder and run `offhook pbx install` again",
    )


def _only(root: Path, pattern: str) -> Path:
    found = next(iter(sorted(root.glob(pattern))), None)
    if found is None:
        raise CannotInstall(
            f"{pattern} is not in {root}",
            hint="remove that folder and run `offhook pbx install` again",
        )
    return found
