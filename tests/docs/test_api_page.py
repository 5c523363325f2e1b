"""What the page about the API tells people to type, typed."""

import asyncio
import json
import re
import sys
from pathlib import Path

import pytest
from sqlalchemy import update

from offhook.accounts.roles import Permission
from offhook.storage.database import Database
from offhook.storage.tables import campaigns
from tests.support.api import token_for
from tests.support.backend import configure, served
from tests.support.builders import Rows
from tests.support.serving import serving

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "api.md"


def _typed(language: str) -> str:
    """The commands of the one block of a language that is run as it stands."""
    (block,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    return str(block)


async def _run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complaint = await process.communicate()
    assert process.returncode == 0, (said + complaint).decode()
    return said.decode()


@pytest.mark.parametrize("language", ["sh", "python"])
async def test_what_the_page_says_is_carried_out(
    database: Database, tmp_path: Path, language: str
) -> None:
    rows = Rows(database)
    await rows.switch()
    await configure(database)
    await rows.campaign("c1", agents=await rows.agents("201"))
    async with database.transaction() as session:
        await session.execute(update(campaigns).values(name="Spring"))
    token = await token_for(
        database,
        [Permission.campaigns_read, Permission.campaigns_write, Permission.agents_write],
    )
    async with served(database, home=tmp_path / "home") as app, serving(app.app) as url:
        command = ["bash", "-euo", "pipefail"] if language == "sh" else [sys.executable]
        typed = {"URL": url, "TOKEN": token}
        said = await _run([*command, "-c", _typed(language)], tmp_path, typed)

    if language == "sh":
        assert '"status_reason":"lunch"' in said
        assert json.loads((tmp_path / "changed.json").read_text())["wrap_up"] == "PT20S"
    else:
        listed, refused = said.splitlines()
        assert listed == "['Spring', 'Summer']"
        assert refused == "422 request_invalid body/settings/name"
