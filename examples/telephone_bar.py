"""A telephone bar in a terminal: one user's calls on a VOIspeed PBX, with a card of who calls.

It uses offhook's client of the user interface and nothing else of offhook. Events arrive over HTTP
at the address that it prints; enter it at the PBX's integration module and select user events.

    VOISPEED_TOKEN=... python examples/telephone_bar.py --url http://.../seri_endpoint.php --ext 201

Commands: call NUMBER, answer, hold, back, divert NUMBER, hangup, mode MODE [NUMBER], who TEXT,
history, calls, help, quit.
"""

import asyncio
import contextlib
import secrets
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer
from aiohttp import web
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from dialer.switching import SwitchError
from offhook.switches.voispeed import wire
from offhook.switches.voispeed.client import VoispeedClient
from offhook.switches.voispeed.settings import VoispeedSettings
from offhook.switches.voispeed.telephone import UserTelephone

MODES = {
    "normal": wire.UserMode.normal,
    "dnd": wire.UserMode.do_not_disturb,
    "absent": wire.UserMode.absent,
    "divert": wire.UserMode.divert,
}
HELP = (
    "call NUMBER | answer | hold | back | divert NUMBER | hangup | "
    f"mode {'|'.join(MODES)} [NUMBER] | who TEXT | history | calls | quit"
)
LISTED = 10


class State(StrEnum):
    """How far a call is, as far as its user is told."""

    ringing_here = "rings here"
    ringing_there = "rings there"
    talking = "talking"
    held = "on hold"


@dataclass
class LiveCall:
    """A call of this user that is not over."""

    call_id: str
    number: str
    state: State


@dataclass
class TelephoneBar:
    """What the user sees and does; the newest call is the one that commands are about."""

    client: VoispeedClient
    telephone: UserTelephone
    console: Console
    calls: dict[str, LiveCall] = field(default_factory=dict)

    # -- what the PBX tells ----------------------------------------------------------------------

    async def told(self, query: str) -> None:
        """Take one event; those of other users, and of other interfaces, are not for us."""
        event = wire.parse_event_query(query, self.client.dialect)
        if isinstance(event, wire.CmdFailed) and event.ext == self.telephone.ext:
            self._say(f"[red]not done:[/] {event.error or 'no reason given'}")
        if not isinstance(event, wire.UserEvent) or event.ext != self.telephone.ext:
            return
        number = event.number or "a hidden number"
        match event:
            case wire.IncomingCall():
                self._begin(event, State.ringing_here)
                self._say(f"[green]{number} is calling[/]")
                await self._show_card(number)
            case wire.OutgoingCall():
                self._begin(event, State.ringing_there)
                self._say(f"calling {number}")
            case wire.CallAnswered():
                self._begin(event, State.talking)
                self._say(f"[green]talking with {number}[/]")
            case wire.LostCall():
                self._end(event, f"[yellow]missed a call of {number}[/]")
            case wire.CallRejected():
                self._end(event, f"{number}: not taken")
            case wire.CallDisconnectOut() | wire.CallDisconnectIn():
                self._end(event, f"call with {number} is over")
            case wire.NewVoicemail():
                self._say("there is a new voice message")

    def _begin(self, event: wire.UserEvent, state: State) -> None:
        if event.call_id is None:
            return
        call = self.calls.setdefault(
            event.call_id, LiveCall(event.call_id, event.number or "", state)
        )
        call.state = state

    def _end(self, event: wire.UserEvent, words: str) -> None:
        self.calls.pop(event.call_id or "", None)
        self._say(words)

    # -- what the user wants ---------------------------------------------------------------------

    async def do(self, line: str) -> bool:
        """Carry out one command; False when it was the last."""
        command, *words = line.split()
        try:
            match command, words:
                case "quit" | "exit", []:
                    return False
                case "call", [number]:
                    await self.telephone.call(number)
                case "mode", [name, *rest] if name in MODES:
                    await self.telephone.set_mode(MODES[name], number=rest[0] if rest else None)
                    self._say(f"mode: {name}")
                case "who", [_, *_]:
                    await self._show_card(" ".join(words))
                case "history", []:
                    await self._show_history()
                case "calls", []:
                    self._show_calls()
                case "answer" | "hold" | "back" | "hangup", []:
                    await self._act(command)
                case "divert", [number]:
                    await self._act(command, number)
                case _:
                    self._say(HELP)
        except SwitchError as error:
            self._say(f"[red]{error}[/]")
        return True

    async def _act(self, command: str, number: str = "") -> None:
        if not self.calls:
            self._say("there is no call")
            return
        call = list(self.calls.values())[-1]
        match command:
            case "answer":
                await self.telephone.answer(call.call_id)
            case "hold":
                await self.telephone.hold(call.call_id)
                call.state = State.held
            case "back":
                await self.telephone.retrieve(call.call_id)
                call.state = State.talking
            case "divert":
                await self.telephone.divert(call.call_id, number)
            case _:
                await self.telephone.disconnect(call.call_id)
        # The PBX has only taken the order: a failure comes as an event of its own.
        self._say(f"{command}: {call.number}")

    async def _show_card(self, text: str) -> None:
        """Who has this number, or this name, in the PBX's phonebook."""
        try:
            found = await self.client.phonebook(text)
        except SwitchError as error:
            self._say(f"[red]no card: {error}[/]")
            return
        if not found:
            self._say(f"nobody in the phonebook is {text}")
        for contact in found[:3]:
            lines = [
                contact.company,
                *(f"{place}: {number}" for place, number in _numbers(contact)),
                contact.email,
            ]
            name = " ".join(part for part in (contact.name, contact.surname) if part)
            self.console.print(
                Panel("\n".join(line for line in lines if line), title=name, expand=False)
            )

    async def _show_history(self) -> None:
        table = Table("when", "direction", "number", "lasted")
        for call in await self.telephone.history(limit=LISTED):
            table.add_row(
                call.started_at.isoformat(timespec="seconds") if call.started_at else "",
                call.direction or "",
                call.remote_number or "",
                str(call.duration or timedelta(0)),
            )
        self.console.print(table)

    def _show_calls(self) -> None:
        for call in self.calls.values():
            self._say(f"{call.number}: {call.state}")
        if not self.calls:
            self._say("there is no call")

    def _say(self, words: str) -> None:
        self.console.print(words, highlight=False)


def _numbers(contact: wire.Contact) -> list[tuple[str, str]]:
    places = ("office", "mobile", "home", "other")
    return [(place, number) for place in places if (number := getattr(contact, place))]


@contextlib.asynccontextmanager
async def receiving(bar: TelephoneBar, host: str, port: int) -> AsyncIterator[str]:
    """Take events for as long as the block lasts; yields the address to give to the PBX."""
    path = f"/{secrets.token_urlsafe(16)}"
    loop = asyncio.get_running_loop()

    async def handle(request: web.BaseRequest) -> web.Response:
        if request.path != path:
            return web.Response(status=404)
        try:
            await bar.told(request.query_string)
        except wire.WireError as error:
            bar.console.print(f"[red]{error}[/]")
        return web.Response(status=204)

    server = web.Server(handle, access_log=None)
    sock = await loop.create_server(server, host, port)
    try:
        yield f"http://{host}:{sock.sockets[0].getsockname()[1]}{path}"
    finally:
        sock.close()
        await server.shutdown(1)


async def run(settings: VoispeedSettings, ext: str, host: str, port: int) -> None:
    """Show and obey until the user quits, or the input ends."""
    console = Console()
    client = VoispeedClient(settings, "telephone bar")
    bar = TelephoneBar(client, UserTelephone(client, ext), console)
    try:
        async with receiving(bar, host, port) as url:
            console.print(f"events to: {url}", soft_wrap=True, highlight=False)
            console.print(HELP, soft_wrap=True, highlight=False, markup=False)
            while line := await asyncio.to_thread(sys.stdin.readline):
                if line.strip() and not await bar.do(line):
                    break
    finally:
        await client.aclose()


def main(
    url: Annotated[str, typer.Option(help="Address of the services, .../seri_endpoint.php.")],
    ext: Annotated[str, typer.Option(help="Your extension.")],
    token: Annotated[
        str, typer.Option(envvar="VOISPEED_TOKEN", help="Token of the integration module.")
    ],
    host: Annotated[str, typer.Option(help="Address to take events on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to take events on; 0: any.")] = 0,
) -> None:
    """Your calls on a VOIspeed PBX, with a card of who calls."""
    settings = VoispeedSettings.model_validate(
        # The user interface holds nobody, so it needs no IVRs; the settings of a link do.
        {"base_url": url, "token": token, "reception_ivr": "none", "hold_ivr": "none"}
    )
    asyncio.run(run(settings, ext, host, port))


if __name__ == "__main__":
    typer.run(main)
