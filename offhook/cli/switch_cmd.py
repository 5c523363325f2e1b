"""`offhook switch`: add, check, list, show and remove telephone systems."""

import re
import secrets
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import aiohttp
import typer

from dialer.model import SwitchId
from dialer.switching import SwitchError
from offhook.cli import pbx_jobs_cmd, switch_limit_cmd
from offhook.cli.output import JsonOption, emit, prepare, run_async
from offhook.cli.switch_limit_cmd import UnknownTrunk
from offhook.cli.switch_page import shown_added, shown_checks, shown_list, shown_one
from offhook.errors import OffhookError
from offhook.home import Home, Stack, database_url
from offhook.links import STATUS_PATH, hook_url
from offhook.settings import Settings
from offhook.storage.database import Database
from offhook.storage.errors import SwitchNotFound
from offhook.storage.link_store import LinkStore
from offhook.switches.base import CheckResult
from offhook.switches.delivery import Delivery
from offhook.switches.inventory import Inventory
from offhook.switches.registry import SwitchConfig, open_switch

app = typer.Typer(
    help="Add, check and list the telephone systems.", no_args_is_help=True, rich_markup_mode=None
)
add = typer.Typer(help="Add a telephone system.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(add, name="add")
app.command("phonebook-sync")(pbx_jobs_cmd.phonebook_sync)
app.command("reconcile")(pbx_jobs_cmd.reconcile)
app.command("record")(pbx_jobs_cmd.record)
app.command("limit")(switch_limit_cmd.limit)

TOKEN_VARIABLE = "VOISPEED_TOKEN"  # noqa: S105 - the name of a variable
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")

NameArgument = Annotated[str, typer.Argument(help="Name of the switch.")]


class SwitchNotReached(OffhookError):
    """A switch could not be read when it was added."""

    code = "switch_not_reached"


@app.callback()
def _group() -> None:
    """Add, check and list the telephone systems."""


@add.callback()
def _families() -> None:
    """Add a telephone system of a family."""


@add.command()
def voispeed(
    name: Annotated[str, typer.Argument(help="A short name: small letters, digits, hyphens.")],
    url: Annotated[str, typer.Option(help="Address of the services, .../seri_endpoint.php.")],
    reception_ivr: Annotated[str, typer.Option(help="Id of the IVR that customers are held on.")],
    hold_ivr: Annotated[str, typer.Option(help="Id of the IVR that parked agents wait on.")],
    token: Annotated[
        str,
        typer.Option(
            envvar=TOKEN_VARIABLE,
            help="Token of the integration module; `-` reads it from standard input, nothing asks.",
        ),
    ] = "",
    message_ivr: Annotated[
        str | None, typer.Option(help="Id of the IVR with the safe-harbour message.")
    ] = None,
    caller_number: Annotated[str, typer.Option(help="Company number to show.")] = "",
    trunk: Annotated[
        list[str] | None, typer.Option(help="Id of a gateway to use; several; default all.")
    ] = None,
    allow: Annotated[
        list[str] | None, typer.Option(help="Address or network that events may come from.")
    ] = None,
    alias: Annotated[
        list[str] | None, typer.Option(help="FACT=NAME[,NAME] for events, where they differ.")
    ] = None,
    parameter: Annotated[
        list[str] | None, typer.Option(help="OURS=THEIRS for what we send, where it differs.")
    ] = None,
    zone: Annotated[str, typer.Option(help="Time zone of the PBX's clock.")] = "Europe/Rome",
    region: Annotated[str, typer.Option(help="Country that the PBX dials from.")] = "IT",
    number_format: Annotated[
        str, typer.Option(help="How numbers are written: e164, international, national.")
    ] = "e164",
    dial_prefix: Annotated[str, typer.Option(help="Digits before every number dialled.")] = "",
    auto_answer: Annotated[
        bool, typer.Option(help="Parked agents' terminals answer by themselves.")
    ] = True,
    read_now: Annotated[
        bool, typer.Option("--import/--no-import", help="Read gateways and users from the PBX.")
    ] = True,
    replace: Annotated[bool, typer.Option(help="Change a switch that exists.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Add a VOIspeed PBX, import its gateways and users, and say where it must send its events.

    Example: offhook switch add voispeed pbx --url https://pbx/seri_endpoint.php --reception-ivr 11
    --hold-ivr 12
    """
    settings = prepare()
    wanted: dict[str, object] = {
        "base_url": url,
        "reception_ivr": reception_ivr,
        "hold_ivr": hold_ivr,
        "message_ivr": message_ivr,
        "caller_number": caller_number,
        "allow": allow or [],
        "aliases": {fact: names.split(",") for fact, names in _pairs("alias", alias or ()).items()},
        "parameter_names": _pairs("parameter", parameter or ()),
        "zone": zone,
        "region": region,
        "number_format": number_format,
        "dial_prefix": dial_prefix,
        "auto_answer": auto_answer,
    }
    if not _NAME.fullmatch(name):
        raise typer.BadParameter(
            f"{name[:60]!r} can't name a switch; use small letters, digits and hyphens, at most 40"
        )
    new = _New("voispeed", name, wanted, _read_token(token), tuple(trunk or ()), read_now, replace)
    emit(run_async(_add(settings, new)), json_output, shown_added)


@app.command(name="list")
def list_switches(json_output: JsonOption = False) -> None:
    """List the switches, with how their links are.

    Example: offhook switch list
    """
    emit(run_async(_list(prepare())), json_output, shown_list)


@app.command()
def show(name: NameArgument, json_output: JsonOption = False) -> None:
    """Show a switch: settings, event address, trunks and agents; never its token.

    Example: offhook switch show pbx
    """
    emit(run_async(_show(prepare(), name)), json_output, shown_one)


@app.command()
def check(name: NameArgument, json_output: JsonOption = False) -> None:
    """Look at everything that must work, each with what to do about it.

    Example: offhook switch check pbx
    """
    document = run_async(_check(prepare(), name))
    emit(document, json_output, shown_checks)
    if not document["ok"]:
        raise typer.Exit(1)


@app.command()
def remove(
    name: NameArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Remove a switch with its trunks and agents.

    Example: offhook switch remove pbx --yes
    """
    settings = prepare()
    if not yes:
        typer.confirm(f"Remove the switch {name}?", abort=True, err=True)

    async def work() -> dict[str, Any]:
        async with _store(settings) as store:
            await store.remove(name)
        return {"removed": name}

    emit(run_async(work()), json_output, lambda found: f"removed {found['removed']}")


@dataclass(frozen=True, slots=True)
class _New:
    family: str
    name: str
    settings: Mapping[str, object]
    secret: str
    trunks: tuple[str, ...]
    read_now: bool
    replace: bool


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[LinkStore]:
    async with Database.open(database_url(settings), pool_size=2) as database:
        yield LinkStore(database)


async def _add(settings: Settings, new: _New) -> dict[str, Any]:
    async with _store(settings) as store:
        config = SwitchConfig(
            switch_id=SwitchId(new.name),
            family=new.family,
            name=new.name,
            settings={key: value for key, value in new.settings.items() if value is not None},
            secret=new.secret,
            hook_secret=await _hook_secret(store, new.name),
        )
        inventory = await _read(config, new) if new.read_now else Inventory()
        await store.save(config, inventory, replace=new.replace, now=datetime.now(UTC))
    return {
        "name": new.name,
        "family": new.family,
        "hook_url": hook_url(_running(settings), new.family, config.hook_secret),
        "trunks": [asdict(trunk) for trunk in inventory.trunks],
        "agents": len(inventory.seats),
    }


async def _hook_secret(store: LinkStore, name: str) -> str:
    """The one that the PBX knows already, else a new one."""
    try:
        return (await store.find(name)).hook_secret
    except SwitchNotFound:
        return secrets.token_urlsafe(24)


async def _read(config: SwitchConfig, new: _New) -> Inventory:
    opened = open_switch(config)
    try:
        found = await opened.inventory()
    except SwitchError as error:
        raise SwitchNotReached(
            str(error), hint="correct the options, or give --no-import to store them as they are"
        ) from None
    finally:
        await opened.adapter.aclose()
    unknown = set(new.trunks) - {trunk.address for trunk in found.trunks}
    if unknown:
        there = ", ".join(f"{trunk.address} ({trunk.name})" for trunk in found.trunks)
        raise UnknownTrunk(
            f"the PBX has no gateway {', '.join(sorted(unknown))}", hint=f"it has: {there}"
        )
    kept = tuple(t for t in found.trunks if not new.trunks or t.address in new.trunks)
    return Inventory(seats=found.seats, trunks=kept)


async def _list(settings: Settings) -> dict[str, Any]:
    async with _store(settings) as store:
        configs = await store.switches()
    states = {link["switch_id"]: link for link in await _link_status(settings)}
    return {
        "switches": [
            {
                "name": config.name,
                "family": config.family,
                "state": states.get(config.switch_id, {}).get("state", "unknown"),
                "detail": states.get(config.switch_id, {}).get("detail", ""),
                "lines": states.get(config.switch_id, {}).get("lines"),
                "busy_lines": states.get(config.switch_id, {}).get("busy_lines"),
                "agents_reachable": states.get(config.switch_id, {}).get("agents_reachable"),
                "last_event_at": states.get(config.switch_id, {}).get("last_event_at"),
            }
            for config in configs
        ]
    }


async def _show(settings: Settings, name: str) -> dict[str, Any]:
    async with _store(settings) as store:
        config = await store.find(name)
        trunks, agents = await store.trunks(config.switch_id), await store.agents(config.switch_id)
    return {
        "name": config.name,
        "family": config.family,
        "settings": dict(config.settings),
        "hook_url": hook_url(_running(settings), config.family, config.hook_secret),
        "trunks": [asdict(trunk) for trunk in trunks],
        "agents": [asdict(agent) for agent in agents],
    }


@dataclass(frozen=True, slots=True)
class _StoredEvents:
    """The event path as the inbox knows it."""

    store: LinkStore
    config: SwitchConfig
    url: str

    async def last_delivery(self) -> Delivery:
        at = await self.store.last_event_at(self.config.switch_id)
        return Delivery(last_at=at, hook_url=self.url)


async def _check(settings: Settings, name: str) -> dict[str, Any]:
    async with _store(settings) as store:
        config = await store.find(name)
        url = hook_url(_running(settings), config.family, config.hook_secret)
        opened = open_switch(config, event_path=_StoredEvents(store, config, url))
        try:
            results: list[CheckResult] = list(await opened.adapter.check())
        finally:
            await opened.adapter.aclose()
    return {
        "name": name,
        "ok": all(result.ok for result in results),
        "checks": [asdict(result) for result in results],
    }


def _running(settings: Settings) -> Settings:
    """The settings, with the address that the links of a running stack really listen on."""
    stack = Stack.last(Home(settings.home))
    if stack is None or stack.links_url is None or settings.links.public_url is not None:
        return settings
    links = settings.links.model_copy(update={"public_url": stack.links_url})
    return settings.model_copy(update={"links": links})


async def _link_status(settings: Settings) -> Sequence[dict[str, Any]]:
    """What the links process says; nothing when it does not run."""
    stack = Stack.last(Home(settings.home))
    base = stack.links_url if stack else None
    base = base or f"http://{settings.links.host}:{settings.links.port}"
    timeout = aiohttp.ClientTimeout(total=2)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{base}{STATUS_PATH}") as reply,
        ):
            found = (await reply.json())["links"]
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError):
        return []
    return found if isinstance(found, list) else []


def _read_token(given: str) -> str:
    """The token from the option or environment, from standard input, or asked for unseen."""
    if given and given != "-":
        return given
    if given == "-" or not sys.stdin.isatty():
        token = sys.stdin.readline().strip()
    else:
        token = str(typer.prompt("Token", hide_input=True, err=True))
    if not token:
        raise typer.BadParameter(
            f"no token was given; set {TOKEN_VARIABLE}, or write it to standard input"
        )
    return token


def _pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not (key and equals and value):
            raise typer.BadParameter(f"--{option} {text[:60]!r} has no value; write NAME=VALUE")
        pairs[key.strip()] = value.strip()
    return pairs
