"""`offhook simulator`: a PBX to develop against, as a command."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import ValidationError

from offhook.loop import run_serving
from offhook.simulator.config import (
    DEFAULT_TOKEN,
    GATEWAY,
    GatewayConfig,
    SimulatorConfig,
    make_users,
)
from offhook.simulator.population import Population, PopulationFileError, read_population
from offhook.simulator.serve import Simulator
from offhook.simulator.xivo_config import XivoConfig, login_of, share_out
from offhook.simulator.xivo_serve import XivoSimulator

app = typer.Typer(
    name="simulator",
    help="Run a simulated PBX, for development and rehearsal.",
    no_args_is_help=True,
)

_Pbx = TypeVar("_Pbx", Simulator, XivoSimulator)

HostOption = Annotated[str, typer.Option(help="Address to listen on.")]
LinesOption = Annotated[
    int, typer.Option(min=0, max=100_000, help="Lines to the outside, on one gateway.")
]
SeedOption = Annotated[int, typer.Option(help="Same seed, same people.")]
SpeedOption = Annotated[
    float, typer.Option(min=0.01, max=1000, help="How much faster than real time it lives.")
]
AnswersOption = Annotated[
    float | None, typer.Option(min=0, max=1, help="Share of calls that a person answers.")
]
RingTimeoutOption = Annotated[
    float, typer.Option(min=1, max=300, help="Seconds after which it gives up a ringing call.")
]
PopulationOption = Annotated[
    Path | None, typer.Option(help="TOML or JSON file that says how people behave.")
]
AddressesOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object with the addresses.")
]

_EXAMPLES = """Run a simulated VOIspeed PBX until Ctrl-C.

Examples:

    offhook simulator voispeed --port 8090

    offhook simulator voispeed --port 8090 --agents 20 --lines 60
        --events-url http://127.0.0.1:8000/events/voispeed/SECRET

    offhook simulator voispeed --port 8090 --population people.toml --seed 7 --speed 5

Script people, break things and read what really happened under /_control (docs: simulator).
"""


@app.callback()
def _family() -> None:
    """Choose the family of PBX to simulate."""


@app.command("voispeed", help=_EXAMPLES)
def voispeed(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8090,
    host: HostOption = "127.0.0.1",
    events_url: Annotated[
        list[str] | None,
        typer.Option("--events-url", help="Where events go; may be given several times."),
    ] = None,
    agents: Annotated[int, typer.Option(min=0, max=5000, help="Users with a telephone.")] = 5,
    lines: LinesOption = 30,
    seed: SeedOption = 1,
    speed: SpeedOption = 1.0,
    answer_probability: AnswersOption = None,
    machine_probability: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of calls that a machine answers.")
    ] = None,
    ring_timeout: RingTimeoutOption = 30.0,
    population: PopulationOption = None,
    token: Annotated[
        str, typer.Option(envvar="OFFHOOK_SIMULATOR_TOKEN", help="Token that services must carry.")
    ] = DEFAULT_TOKEN,
    user_events: Annotated[
        bool, typer.Option("--user-events", help="Tell users of all their calls, too.")
    ] = False,
    as_json: AddressesOption = False,
) -> None:
    """Run a simulated VOIspeed PBX until Ctrl-C."""
    with _bad_population():
        config = SimulatorConfig(
            token=token,
            seed=seed,
            speed=speed,
            ring_timeout_s=ring_timeout,
            gateways=(GatewayConfig(id=GATEWAY, name="carrier", lines=lines),),
            users=make_users(agents),
            population=_people(population, answer_probability, machine_probability),
            events_urls=tuple(events_url or ()),
            user_events_for_all=user_events,
        )
    try:
        _run(partial(Simulator, config), host, port, partial(_announce, as_json=as_json))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--events-url") from error


_XIVO_EXAMPLES = """Run a simulated XiVO (xuc server) until Ctrl-C.

Examples:

    offhook simulator xivo --port 8091

    offhook simulator xivo --port 8091 --agents 12 --queues 3 --speed 5

Users are admin, supervisor, nobody and one agent201, agent202... for each agent; the password of
all is the token. Script people, break things and read what really happened under /_control.
"""


@app.command("xivo", help=_XIVO_EXAMPLES)
def xivo(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8091,
    host: HostOption = "127.0.0.1",
    agents: Annotated[int, typer.Option(min=0, max=5000, help="Agents with a telephone.")] = 5,
    queues: Annotated[
        int, typer.Option(min=1, max=100, help="Queues; the agents are shared out among them.")
    ] = 1,
    lines: LinesOption = 30,
    wrap_up: Annotated[float, typer.Option(min=0, help="Seconds of wrap-up after a call.")] = 0.0,
    seed: SeedOption = 1,
    speed: SpeedOption = 1.0,
    answer_probability: AnswersOption = None,
    ring_timeout: RingTimeoutOption = 30.0,
    population: PopulationOption = None,
    token: Annotated[
        str, typer.Option(envvar="OFFHOOK_SIMULATOR_TOKEN", help="Password of every user.")
    ] = DEFAULT_TOKEN,
    as_json: AddressesOption = False,
) -> None:
    """Run a simulated XiVO (xuc server) until Ctrl-C."""
    with _bad_population():
        users = make_users(agents)
        config = XivoConfig(
            token=token,
            seed=seed,
            speed=speed,
            ring_timeout_s=ring_timeout,
            wrap_up_s=wrap_up,
            gateways=(GatewayConfig(id=GATEWAY, name="carrier", lines=lines),),
            users=users,
            queues=share_out(users, queues),
            population=_people(population, answer_probability, None),
        )
    _run(partial(XivoSimulator, config), host, port, partial(_announce_xivo, as_json=as_json))


def _people(file: Path | None, answers: float | None, machines: float | None) -> Population:
    people = read_population(file) if file else Population()
    return people.with_answers(answers, machines)


@contextlib.contextmanager
def _bad_population() -> Iterator[None]:
    """Say of a wrong file or setting what is wrong, as of any other option."""
    try:
        yield
    except PopulationFileError as error:
        raise typer.BadParameter(str(error), param_hint="--population") from error
    except ValidationError as error:
        raise typer.BadParameter(error.errors()[0]["msg"]) from error


def _run(make: Callable[..., _Pbx], host: str, port: int, announce: Callable[[_Pbx], None]) -> None:
    try:
        run_serving(_until_stopped(lambda: make(host=host, port=port), announce))
    except OSError as error:
        typer.echo(f"cannot listen on {host}:{port}: {error.strerror}; choose --port", err=True)
        raise typer.Exit(1) from error


def _announce_xivo(simulator: XivoSimulator, *, as_json: bool) -> None:
    config = simulator.config
    logins = [login_of(user) for user in config.users]
    if as_json:
        line = {
            "family": "xivo",
            "url": simulator.url,
            "control_url": simulator.control_url,
            "port": simulator.port,
            "logins": logins,
            "queues": [queue.id for queue in config.queues],
        }
        typer.echo(json.dumps(line))
        return
    typer.echo(f"XiVO simulator: {simulator.url}, users admin and {', '.join(logins[:3])}...")
    typer.echo(f"  control           {simulator.control_url}/record")
    typer.echo(f"  {len(logins)} agents, {len(config.queues)} queues")
    typer.echo("Stop with Ctrl-C.")


async def _until_stopped(make: Callable[[], _Pbx], announce: Callable[[_Pbx], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers on loops
            loop.add_signal_handler(number, stop.set)
    simulator = make()
    await simulator.start()
    try:
        announce(simulator)
        await stop.wait()
    finally:
        await simulator.stop()


def _announce(simulator: Simulator, *, as_json: bool) -> None:
    config = simulator.config
    if as_json:
        line = {
            "family": "voispeed",
            "url": simulator.url,
            "control_url": simulator.control_url,
            "port": simulator.port,
            "events_urls": list(config.events_urls),
            "users": [user.id for user in config.users],
            "gateways": [gateway.id for gateway in config.gateways],
            "ivrs": {ivr.role.value: ivr.id for ivr in config.ivrs},
        }
        typer.echo(json.dumps(line))
        return
    ivrs = ", ".join(f"{ivr.id} {ivr.name}" for ivr in config.ivrs)
    lines = sum(gateway.lines for gateway in config.gateways)
    typer.echo(f"VOIspeed simulator: {simulator.url}?token={config.token}&service=get_entities")
    typer.echo(f"  control           {simulator.control_url}/record")
    typer.echo(f"  events to         {', '.join(config.events_urls) or 'nobody (--events-url)'}")
    typer.echo(f"  {len(config.users)} users, {lines} lines, IVRs: {ivrs}")
    typer.echo("Stop with Ctrl-C.")
