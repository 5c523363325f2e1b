"""The development PBX as a switch of the stack that runs in the same home."""

from datetime import UTC, datetime

from sqlalchemy import update

from dialer.model import AgentStatus, SwitchId
from offhook.errors import StackNotRunning
from offhook.home import database_url
from offhook.pbx.configuration import AMD_CONTEXT, HOLD_CONTEXT, MESSAGE
from offhook.pbx.development import DevelopmentPbx
from offhook.sealing import Seals
from offhook.settings import Settings
from offhook.storage import tables
from offhook.storage.database import Database
from offhook.storage.errors import SwitchNotFound
from offhook.storage.link_store import LinkStore, SwitchInUse
from offhook.switches.registry import Family, SwitchConfig, open_switch

SWITCH = SwitchId("dev-pbx")
RECEPTION = "100"
"""The number, in the tutorial's menu, of whoever takes calls that lead nowhere else."""


def config_of(pbx: DevelopmentPbx) -> SwitchConfig:
    """What a person would say with `offhook switch add asterisk`."""
    return SwitchConfig(
        switch_id=SWITCH,
        family=Family.asterisk,
        name=SWITCH,
        settings={
            "base_url": pbx.ari_url,
            "username": pbx.user,
            "app": pbx.application,
            "trunks": [{"address": f"PJSIP/{{number}}@{pbx.trunk}", "lines": pbx.lines}],
            "agents": [f"PJSIP/{name}" for name in pbx.agents],
            "message_media": MESSAGE,
            "amd_context": AMD_CONTEXT,
            "hold_context": HOLD_CONTEXT,
            "destinations": {RECEPTION: f"PJSIP/{pbx.agents[-1]}"} if pbx.agents else {},
        },
        secret=pbx.password,
        hook_secret="",
    )


async def join_stack(settings: Settings, pbx: DevelopmentPbx) -> bool:
    """Store it as a switch whose agents are available; False where no stack runs."""
    try:
        url = database_url(settings)
    except StackNotRunning:
        return False
    config, now = config_of(pbx), datetime.now(UTC)
    opened = open_switch(config)
    try:
        inventory = await opened.inventory()
    finally:
        await opened.adapter.aclose()
    async with Database.open(url, seals=Seals.of(settings)) as database:
        await LinkStore(database).save(config, inventory, replace=True, now=now)
        async with database.transaction() as session:
            await session.execute(
                update(tables.agents)
                .where(tables.agents.c.switch_id == SWITCH)
                .values(status=AgentStatus.available, status_reason="", status_at=now)
            )
    return True


async def leave_stack(settings: Settings) -> bool:
    """Remove the switch; False without a stack or a switch, or when campaigns name it."""
    try:
        url = database_url(settings)
    except StackNotRunning:
        return False
    async with Database.open(url) as database:
        try:
            await LinkStore(database).remove(SWITCH)
        except (SwitchNotFound, SwitchInUse):
            return False
    return True
