"""The agent's desk: what agents choose, read, and say came of their talks."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from activities.ports import campaign_channel
from dialer.events import Disposed
from dialer.model import AgentId, AgentStatus, AttemptId, CampaignId, CampaignSettings
from offhook.errors import OffhookError
from offhook.offices.not_ready import check_reason
from offhook.storage.agent_store import AgentRow, AgentStore, PreviewRow
from offhook.storage.database import Database
from offhook.storage.desk_reads import DeskCall, DeskReads
from offhook.storage.inbox import post_on
from offhook.storage.pool import Pool, store_errors

USUAL = ("interested", "not_interested", "call_back", "wrong_person", "do_not_call")
"""What agents may say where a campaign names nothing."""


class NotOnTheTable(OffhookError):
    """The talk is not one that the agent has, or has just had."""

    code = "talk_not_at_desk"

    def __init__(self, attempt: str) -> None:
        super().__init__(
            f"talk {attempt} is not at this desk any more",
            hint="say what came of the talk that is shown now",
        )


@dataclass(frozen=True)
class DeskOffice:
    """Everything that an agent does at the desk, by the agent's id."""

    database: Database
    pool: Callable[[], Awaitable[Pool]]
    clock: Callable[[], datetime]
    reasons: Sequence[str] = ()
    """What an agent who is not ready may say."""

    async def agent(self, agent: str) -> AgentRow:
        """The agent; raises `AgentNotFound`."""
        return await (await self._agents()).find(agent)

    async def call(self, agent: str) -> DeskCall | None:
        """The talk that the agent has, or wraps up."""
        return await DeskReads(self.database).call(agent)

    async def on_offer(self, row: AgentRow) -> PreviewRow:
        """The contact that the agent reads; raises `NothingOnOffer`."""
        return await (await self._agents()).on_offer(row)

    async def choose(self, agent: str, status: AgentStatus, *, reason: str = "") -> AgentRow:
        """Be ready, not ready (and why), or away; a talk goes on to its end."""
        check_reason(status, reason, self.reasons)
        agents = await self._agents()
        row = await agents.find(agent)
        await agents.set_status(row, status, reason=reason, now=self.clock())
        return await agents.find(row.agent_id)

    async def answer(self, agent: str, *, dial: bool) -> PreviewRow:
        """Have the contact on offer dialed, or skip it."""
        agents = await self._agents()
        return await agents.answer(await agents.find(agent), dial=dial, now=self.clock())

    async def dispose(self, agent: str, attempt: str, code: str, *, ready: bool = True) -> None:
        """Say what came of the talk at the desk; the agent is free again unless not `ready`."""
        call = await self.call(agent)
        if call is None or call.attempt_id != attempt:
            raise NotOnTheTable(attempt)
        said = Disposed(
            agent_id=AgentId(agent), attempt_id=AttemptId(attempt), code=code, ready=ready
        )
        now = self.clock()
        channel = campaign_channel(CampaignId(call.campaign_id))
        key = f"disposed {attempt} {code} {now.isoformat()}"
        with store_errors():
            pool = await self.pool()
            async with pool.acquire() as connection, connection.transaction():
                await post_on(connection, channel, said, key=key, now=now)

    async def _agents(self) -> AgentStore:
        return AgentStore(await self.pool())


def codes_of(settings: CampaignSettings) -> tuple[str, ...]:
    """What an agent of the campaign may say, in the order in which it is offered."""
    named = settings.desk.dispositions
    others = named or USUAL
    return tuple(dict.fromkeys((*others, *settings.retry.dispositions)))
