"""`offhook switch add`: a telephone system of a family, with what is imported from it."""

import re
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from dialer.model import SwitchId
from dialer.switching import SwitchError
from offhook.cli import switch_asterisk_cmd
from offhook.cli.output import JsonOption, emit, prepare, run_async
from offhook.cli.switch_limit_cmd import UnknownTrunk
from offhook.cli.switch_page import shown_added
from offhook.cli.switch_records import shown_hook_url, switch_store
from offhook.errors import OffhookError
from offhook.settings import Settings
from offhook.storage.errors import SwitchNotFound
from offhook.storage.link_store import LinkStore
from offhook.switches.inventory import Inventory
from offhook.switches.registry import Family, SwitchConfig, open_switch

add = typer.Typer(help="Add a telephone system.", no_args_is_help=True, rich_markup_mode=None)

TOKEN_VARIABLE = "VOISPEED_TOKEN"  # noqa: S105 - the name of a variable
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


NameArgument = Annotated[str, typer.Argument(help="A short name: small letters, digits, hyphens.")]
CallerNumberOption = Annotated[str, typer.Option(help="Company number to show.")]
RegionOption = Annotated[str, typer.Option(help="Country that the PBX dials from.")]
NumberFormatOption = Annotated[
    str, typer.Option(help="How numbers are written: e164, international, national.")
]
DialPrefixOption = Annotated[str, typer.Option(help="Digits before every number dialled.")]
ReadNowOption = Annotated[
    bool, typer.Option("--import/--no-import", help="Read trunks and agents from the PBX.")
]
ReplaceOption = Annotated[bool, typer.Option(help="Change a switch that exists.")]


class SwitchNotReached(OffhookError):
    """A switch could not be read when it was added."""

    code = "switch_not_reached"


@add.callback()
def _families() -> None:
    """Add a telephone system of a family."""


@add.command()
def voispeed(
    name: NameArgument,
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
    caller_number: CallerNumberOption = "",
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
    region: RegionOption = "IT",
    number_format: NumberFormatOption = "e164",
    dial_prefix: DialPrefixOption = "",
    auto_answer: Annotated[
        bool, typer.Option(help="Parked agents' terminals answer by themselves.")
    ] = True,
    read_now: ReadNowOption = True,
    replace: ReplaceOption = False,
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
    _check_name(name)
    secret = _read_secret(token, "Token", TOKEN_VARIABLE)
    new = _New(Family.voispeed, name, wanted, secret, tuple(trunk or ()), read_now, replace)
    emit(run_async(_add(settings, new)), json_output, shown_added)


@add.command()
def asterisk(
    name: NameArgument,
    url: Annotated[str, typer.Option(help="Address of ARI, http://host:8088/ari.")],
    user: Annotated[str, typer.Option(help="User of ari.conf.")],
    trunk: Annotated[
        list[str],
        typer.Option(help="ENDPOINT:LINES, or PJSIP/{number}@endpoint:LINES; several."),
    ],
    password: Annotated[
        str,
        typer.Option(
            envvar=switch_asterisk_cmd.PASSWORD_VARIABLE,
            help="His password; `-` reads it from standard input, nothing asks.",
        ),
    ] = "",
    app_name: Annotated[
        str, typer.Option("--app", help="Stasis application; one for each installation.")
    ] = "offhook",
    agent: Annotated[
        list[str] | None,
        typer.Option(help="Address of an agent's device, as PJSIP/anna; several; default all."),
    ] = None,
    park: Annotated[
        bool, typer.Option(help="Agents wait on the line; else their devices ring each time.")
    ] = True,
    parking_music: Annotated[
        str | None, typer.Option(help="Class of music on hold for waiting agents.")
    ] = None,
    message: Annotated[
        str | None, typer.Option(help="Safe-harbour message, as sound:our-message.")
    ] = None,
    amd_context: Annotated[
        str | None, typer.Option(help="Context of the dialplan that listens for machines.")
    ] = None,
    hold_context: Annotated[
        str | None,
        typer.Option(help="Context of the dialplan that keeps people while offhook is away."),
    ] = None,
    caller_number: CallerNumberOption = "",
    auto_answer_header: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE of a SIP header that makes an agent's device answer."),
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE of a SIP header of customers' calls.")
    ] = None,
    destination: Annotated[
        list[str] | None,
        typer.Option(help="NUMBER=ADDRESS that callers of a menu are put through to; several."),
    ] = None,
    inside: Annotated[
        str, typer.Option(help="How callers are put through to other numbers inside.")
    ] = "PJSIP/{number}",
    prompts_path: Annotated[
        str, typer.Option(help="Folder of offhook's prompts as Asterisk sees it; else the same.")
    ] = "",
    variable: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE of a variable of customers' channels.")
    ] = None,
    region: RegionOption = "IT",
    number_format: NumberFormatOption = "e164",
    dial_prefix: DialPrefixOption = "",
    read_now: ReadNowOption = True,
    replace: ReplaceOption = False,
    json_output: JsonOption = False,
) -> None:
    """Add an Asterisk (ARI) and import its trunks and agents' devices.

    Example: offhook switch add asterisk pbx --url http://pbx:8088/ari --user offhook
    --trunk carrier:30 --message sound:sorry
    """
    settings = prepare()
    wanted: dict[str, object] = {
        "base_url": url,
        "username": user,
        "app": app_name,
        "trunks": [switch_asterisk_cmd.read_trunk(text) for text in trunk],
        "agents": agent or [],
        "parks_agents": park,
        "parking_music": parking_music,
        "message_media": message,
        "amd_context": amd_context,
        "hold_context": hold_context,
        "caller_number": caller_number,
        "headers": _pairs("header", header or ()),
        "variables": _pairs("variable", variable or ()),
        "destinations": _pairs("destination", destination or ()),
        "inside": inside,
        "prompts_path": prompts_path,
        "region": region,
        "number_format": number_format,
        "dial_prefix": dial_prefix,
    }
    if auto_answer_header:
        wanted["auto_answer_headers"] = _pairs("auto-answer-header", auto_answer_header)
    _check_name(name)
    secret = _read_secret(password, "Password", switch_asterisk_cmd.PASSWORD_VARIABLE)
    new = _New(Family.asterisk, name, wanted, secret, (), read_now, replace)
    emit(run_async(_add(settings, new)), json_output, shown_added)


@add.command()
def xivo(
    name: NameArgument,
    url: Annotated[str, typer.Option(help="Address of the xuc server, https://xivo:8443.")],
    login: Annotated[str, typer.Option(help="User that dials: an admin or supervisor.")],
    agent_login: Annotated[
        list[str] | None, typer.Option(help="User of an agent whose calls are followed; several.")
    ] = None,
    password: Annotated[
        str,
        typer.Option(
            envvar="XIVO_PASSWORD",
            help="Password of all these users, or a JSON object from login to password; `-` reads "
            "it from standard input, nothing asks.",
        ),
    ] = "",
    queue: Annotated[
        list[str] | None, typer.Option(help="Id of a queue to dial from; several; default all.")
    ] = None,
    caller_name: Annotated[str, typer.Option(help="Name to show.")] = "",
    caller_number: CallerNumberOption = "",
    answer_sign: Annotated[
        str, typer.Option(help="EventEstablished that is the customer's answer: outgoing, any.")
    ] = "outgoing",
    time_zone: Annotated[
        str, typer.Option(help="Zone of the clock that its call history is written by.")
    ] = "Europe/Paris",
    region: RegionOption = "FR",
    number_format: NumberFormatOption = "national",
    dial_prefix: DialPrefixOption = "",
    read_now: ReadNowOption = True,
    replace: ReplaceOption = False,
    json_output: JsonOption = False,
) -> None:
    """Add a XiVO (xuc) and import its queues, as trunks, and its agents.

    Example: offhook switch add xivo paris --url https://xivo:8443 --login dialer
    --agent-login anna --agent-login ben
    """
    settings = prepare()
    wanted: dict[str, object] = {
        "base_url": url,
        "login": login,
        "agent_logins": agent_login or [],
        "caller_name": caller_name,
        "caller_number": caller_number,
        "answer_sign": answer_sign,
        "time_zone": time_zone,
        "region": region,
        "number_format": number_format,
        "dial_prefix": dial_prefix,
    }
    _check_name(name)
    secret = _read_secret(password, "Password", "XIVO_PASSWORD")
    new = _New(Family.xivo, name, wanted, secret, tuple(queue or ()), read_now, replace)
    emit(run_async(_add(settings, new)), json_output, shown_added)


@dataclass(frozen=True, slots=True)
class _New:
    family: str
    name: str
    settings: Mapping[str, object]
    secret: str
    trunks: tuple[str, ...]
    read_now: bool
    replace: bool


async def _add(settings: Settings, new: _New) -> dict[str, Any]:
    async with switch_store(settings) as store:
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
        "hook_url": shown_hook_url(settings, config),
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


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise typer.BadParameter(
            f"{name[:60]!r} can't name a switch; use small letters, digits and hyphens, at most 40"
        )


def _read_secret(given: str, what: str, variable: str) -> str:
    """The secret from the option or environment, from standard input, or asked for unseen."""
    if given and given != "-":
        return given
    if given == "-" or not sys.stdin.isatty():
        secret = sys.stdin.readline().strip()
    else:
        secret = str(typer.prompt(what, hide_input=True, err=True))
    if not secret:
        raise typer.BadParameter(
            f"no {what.lower()} was given; set {variable}, or write it to standard input"
        )
    return secret


def _pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not (key and equals and value):
            raise typer.BadParameter(f"--{option} {text[:60]!r} has no value; write NAME=VALUE")
        pairs[key.strip()] = value.strip()
    return pairs
