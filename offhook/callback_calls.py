"""Calls of callbacks: which switch, which telephone, and never twice under one name.

A call was written when the law permitted it. Before the switch is asked, that is noted on it too;
so whoever comes to it a second time (a worker died in between) looks at the switch and calls nobody
anew.
"""

from dataclasses import dataclass

import structlog

from dialer.callbacks import Promise, TicketId, call_name
from dialer.model import AgentId, SwitchId
from dialer.switching import SwitchRefused, SwitchUnclear
from offhook.errors import OffhookError
from offhook.open_switches import OpenSwitches
from offhook.storage.callback_law import PostgresCallbackLaw
from offhook.storage.pool import Pool, store_errors
from offhook.switches.base import AgentCall, ConnectsAgents

log = structlog.get_logger()

_AGENT = "SELECT switch_id, address, number FROM agents WHERE id = $1"
_ASK = """
UPDATE past_calls SET outcome = 'unknown', agent_id = $2 WHERE id = $1 AND outcome IS NULL
RETURNING 1
"""
_FAILED = "UPDATE past_calls SET outcome = 'failed', ended_at = now() WHERE id = $1"


@dataclass(frozen=True)
class SwitchAgentCalls:
    """Implements `activities.callbacks.AgentCalls` on the stored switches."""

    pool: Pool
    law: PostgresCallbackLaw
    switches: OpenSwitches

    async def call(
        self, promise: Promise, *, agent: AgentId, number: str, correlator: TicketId
    ) -> None:
        """Ring the agent and call the number for him, once for each start of the ticket."""
        request = promise.request
        name = call_name(request.callback_id, promise.version)
        with store_errors():
            seat = await self.pool.fetchrow(_AGENT, agent)
        if seat is None or request.switch_id not in (None, seat["switch_id"]):
            await self._failed(name)
            where = f"on switch {request.switch_id}" if request.switch_id else "on any switch"
            raise SwitchRefused(f"agent {agent} has no telephone {where} that is known here")
        call = AgentCall(
            correlator=name,
            address=seat["address"],
            extension=seat["number"] or "",
            number=number,
            caller_id=await self.law.shown(promise, number),
        )
        await self._connect(SwitchId(seat["switch_id"]), call, agent, request.external_id)
        log.info("callback_called", callback=request.callback_id, ticket=correlator, call=name)

    async def _connect(
        self, switch: SwitchId, call: AgentCall, agent: AgentId, external: str
    ) -> None:
        try:
            opened = await self.switches.get(switch)
            if opened.connector is None:
                raise SwitchRefused(
                    f"switch {opened.config.name} is of the family {opened.config.family}, which "
                    "calls nobody for an agent; let him dial by hand and give the ticket"
                )
            with store_errors():
                first = await self.pool.fetchval(_ASK, call.correlator, agent)
            if not first:
                await _again(opened.connector, call)
            elif external and opened.callbacks is not None:
                await opened.callbacks.start(external, agent=call.address, number=call.number)
            else:
                await opened.connector.connect(call)
        except SwitchRefused:
            await self._failed(call.correlator)
            raise
        except OffhookError as error:
            await self._failed(call.correlator)
            raise SwitchRefused(str(error)) from error

    async def _failed(self, name: str) -> None:
        with store_errors():
            await self.pool.execute(_FAILED, name)


async def _again(connector: ConnectsAgents, call: AgentCall) -> None:
    if not await connector.in_progress(call.correlator):
        raise SwitchUnclear(
            f"call {call.correlator} was asked for before, and nobody knows what came of it; "
            "start the callback again if the telephone did not ring"
        )
