"""`offhook callback promise`: what an agent says at the end of a talk."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from offhook.callback_promise import Promising
from offhook.callbacks import Booked
from offhook.cli.callback_office import Day, ListKey, day_of, open_office
from offhook.cli.output import JsonOption, emit, run_async
from offhook.home import database_url
from offhook.storage.pool import open_pool


def promise(
    attempt: Annotated[str, typer.Argument(metavar="ATTEMPT", help="Id of the talk's attempt.")],
    on: ListKey,
    mine: Annotated[
        bool, typer.Option("--mine/--anyone", help="Whether only that agent is to call.")
    ] = False,
    due: Day = None,
    period: Annotated[str, typer.Option(help="Preferred period of the list.")] = "",
    description: Annotated[str, typer.Option(help="What it is about.")] = "",
    json_output: JsonOption = False,
) -> None:
    """Book the callback that an agent promised; his talk gets the disposition `callback`.

    Example: offhook callback promise c1-3-17 Support --mine --due 2026-12-01 --period morning
    """

    async def work() -> Booked:
        async with open_office() as office:
            pool = await open_pool(database_url(office.settings), size=1, application="offhook-cli")
            try:
                return await Promising(pool, await office.booking()).promise(
                    on,
                    attempt,
                    mine=mine,
                    now=datetime.now(UTC),
                    due_on=day_of(due),
                    period=period,
                    description=description,
                )
            finally:
                await pool.close()

    emit(
        run_async(work()),
        json_output,
        lambda booked: (
            f"{booked.callback_id} " + ("is booked" if booked.new else "had been booked before")
        ),
    )
