"""`offhook call`: what can be done with one call that is going on."""

import getpass
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from dialer.media import RecordingAction
from dialer.switching import SwitchError
from offhook.cli.campaign_office import open_office
from offhook.cli.output import JsonOption, emit, run_async
from offhook.cli.pbx_jobs_cmd import NotOffered, SwitchSaidNo
from offhook.home import database_url
from offhook.recordings import opened
from offhook.storage.link_store import LinkStore
from offhook.storage.pool import open_pool
from offhook.storage.recordings import CallNotTalking, CallRow, Recordings
from offhook.switches.base import Supervises, Supervision

app = typer.Typer(
    help="Record, listen to and join in calls.", no_args_is_help=True, rich_markup_mode=None
)
Attempt = Annotated[str, typer.Argument(metavar="ATTEMPT", help="Id of the call's attempt.")]
Address = Annotated[
    str,
    typer.Option("--as", metavar="ADDRESS", help="The supervisor's telephone on the switch."),
]


@app.callback()
def _group() -> None:
    """Record, listen to and join in calls."""


@app.command()
def record(
    attempt: Attempt,
    action: Annotated[RecordingAction, typer.Argument(metavar="ACTION", help="What to do.")],
    by: Annotated[str, typer.Option(help="Who asks, for the record. Default: the user.")] = "",
    json_output: JsonOption = False,
) -> None:
    """Start, stop, pause or resume the recording of a talk; pause it for card numbers.

    Examples:

    offhook call record c1-3-17 pause

    offhook call record c1-3-17 resume
    """

    async def work() -> dict[str, Any]:
        async with _recordings() as (recordings, _):
            call = await recordings.call(attempt)
            await recordings.order(
                call,
                action,
                by=by or getpass.getuser(),
                key=secrets.token_hex(8),
                now=datetime.now(UTC),
            )
        return {"attempt": attempt, "ordered": action}

    emit(
        run_async(work()),
        json_output,
        lambda done: (
            f"{done['ordered']} ordered for the recording of call {done['attempt']}; "
            f"`offhook recording list --attempt {done['attempt']}` shows what came of it"
        ),
    )


@app.command()
def listen(attempt: Attempt, address: Address, json_output: JsonOption = False) -> None:
    """Ring a supervisor's telephone and let it hear a talk, unheard.

    Example: offhook call listen c1-3-17 --as PJSIP/supervisor
    """
    _supervise(attempt, address, Supervision.listen, json_output)


@app.command()
def whisper(attempt: Attempt, address: Address, json_output: JsonOption = False) -> None:
    """Let a supervisor hear a talk and speak to the agent, unheard by the customer.

    Example: offhook call whisper c1-3-17 --as PJSIP/supervisor
    """
    _supervise(attempt, address, Supervision.whisper, json_output)


@app.command()
def barge(attempt: Attempt, address: Address, json_output: JsonOption = False) -> None:
    """Let a supervisor talk with customer and agent.

    Example: offhook call barge c1-3-17 --as PJSIP/supervisor
    """
    _supervise(attempt, address, Supervision.barge, json_output)


@app.command()
def unsupervise(attempt: Attempt, json_output: JsonOption = False) -> None:
    """Have the supervisor leave; the talk goes on.

    Example: offhook call unsupervise c1-3-17
    """

    async def work() -> dict[str, Any]:
        async with _supervisor(attempt) as (call, supervisor):
            left = await supervisor.end(call.attempt_id)
        return {"attempt": attempt, "left": left}

    emit(
        run_async(work()),
        json_output,
        lambda done: "the supervisor has left" if done["left"] else "nobody supervises that call",
    )


def _supervise(attempt: str, address: str, how: Supervision, json_output: bool) -> None:
    async def work() -> dict[str, Any]:
        async with _supervisor(attempt) as (call, supervisor):
            if call.state != "talking":
                raise CallNotTalking(call)
            await supervisor.supervise(call.attempt_id, address=address, how=how)
        return {"attempt": attempt, "supervisor": address, "how": how}

    emit(
        run_async(work()),
        json_output,
        lambda done: (
            f"{done['supervisor']} is on call {done['attempt']} ({done['how']}); "
            f"end it with `offhook call unsupervise {done['attempt']}`"
        ),
    )


@asynccontextmanager
async def _recordings() -> AsyncIterator[tuple[Recordings, LinkStore]]:
    async with open_office() as office:
        pool = await open_pool(database_url(office.settings), size=1, application="offhook-cli")
        try:
            yield Recordings(pool), LinkStore(office.database)
        finally:
            await pool.close()


@asynccontextmanager
async def _supervisor(attempt: str) -> AsyncIterator[tuple[CallRow, Supervises]]:
    async with _recordings() as (recordings, links):
        call = await recordings.call(attempt)
        async with opened(links.get, call.switch_id) as switch:
            if switch.supervisor is None:
                raise NotOffered(switch.config, "lets nobody listen to talks")
            try:
                yield call, switch.supervisor
            except SwitchError as error:
                raise SwitchSaidNo(str(error)) from None
