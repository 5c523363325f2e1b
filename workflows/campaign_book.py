"""What a campaign's workflow remembers, and how it is written down: helper of `workflows.campaign`.

One lock for everything that moves the campaign from one phase to another: orders of people, the
opening and the closing of a window.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities import options
    from activities.contracts import (
        MAX_ANSWERS,
        CampaignInput,
        CampaignOrder,
        CampaignSnapshot,
        CampaignState,
        OrderAnswer,
    )
    from dialer.events import Event
    from dialer.model import CampaignPhase, CampaignSettings
    from dialer.rejections import CampaignEnding, CampaignNotInPhase

T = TypeVar("T")

_GOING_ON = frozenset({CampaignPhase.scheduled, CampaignPhase.running, CampaignPhase.draining})
ACCEPTS: dict[str, frozenset[CampaignPhase]] = {
    "be paused": _GOING_ON,
    "be resumed": frozenset({CampaignPhase.paused}),
    "be stopped": _GOING_ON | {CampaignPhase.paused},
    "change its settings": _GOING_ON | {CampaignPhase.paused},
}
"""`{order: phases}`; any other phase refuses it."""


async def unbroken(write: "workflow.ActivityHandle[T]") -> T:
    """Wait for a write that has begun; a cancellation is raised only once it is done.

    Else it would overtake what is written because of the cancellation.
    """
    try:
        return await asyncio.shield(write)
    except asyncio.CancelledError:
        await write
        raise


class CampaignBook:
    """The state of one campaign and the orders that it has obeyed."""

    def __init__(self, start: CampaignInput) -> None:
        self._start = start
        self.state = start.resume or CampaignState()
        self.lock = asyncio.Lock()
        self.changes = 0
        """Orders obeyed; grows, so that whoever waits sees that something changed."""

    @property
    def settings(self) -> CampaignSettings:
        """The settings in force."""
        if self.state.settings is None:
            raise ApplicationError("the campaign has not begun", type="campaign_not_begun")
        return self.state.settings

    def set(self, **changes: object) -> None:
        """Replace fields of the state."""
        self.state = self.state.model_copy(update=changes)

    async def record(
        self,
        phase: CampaignPhase,
        *,
        key: str,
        event: Event | None = None,
        paused: bool | None = None,
        settings: CampaignSettings | None = None,
        reason: str | None = None,
    ) -> None:
        """Write where the campaign stands, tell whoever dials, and only then believe it here.

        A phase that doesn't change keeps its reason.
        """
        if reason is None:
            reason = self.state.reason if phase is self.state.phase else ""
        paused = self.state.paused if paused is None else paused
        version = self.state.settings_version + (settings is not None)
        order = CampaignOrder(
            campaign_id=self._start.campaign_id,
            key=f"{self._start.run_key}/{key}",
            phase=phase,
            reason=reason,
            event=event,
            settings=settings,
            settings_version=version,
        )
        await unbroken(
            workflow.start_activity(
                options.ORDER_CAMPAIGN, order, result_type=type(None), **options.RECORD
            )
        )
        self.set(phase=phase, reason=reason, paused=paused, settings_version=version)
        if settings is not None:
            self.set(settings=settings)

    async def obey(
        self, order: str, request_id: str, act: Callable[[], Awaitable[None]]
    ) -> OrderAnswer:
        """Carry out an order once, one at a time; give a repetition the answer that it had."""
        self.set(updates_seen=self.state.updates_seen + 1)
        await workflow.wait_condition(lambda: self.state.begun)
        async with self.lock:
            known = self._answer(request_id)
            if known is not None:
                return known
            self.require(order, request_id)
            await act()
            answer = OrderAnswer(
                request_id=request_id,
                phase=self.state.phase,
                settings_version=self.state.settings_version,
                at=workflow.now(),
            )
            self.set(answers=(*self.state.answers, answer)[-MAX_ANSWERS:])
            self.changes += 1
            return answer

    def snapshot(self, *, dialing: bool) -> CampaignSnapshot:
        """Where the campaign stands."""
        state = self.state
        return CampaignSnapshot(
            campaign_id=self._start.campaign_id,
            run_key=self._start.run_key,
            phase=state.phase,
            paused=state.paused,
            dialing=dialing,
            settings_version=state.settings_version,
            opens_at=state.opens_at,
            closes_at=state.closes_at,
            updates_seen=state.updates_seen,
            runs=state.runs,
        )

    def require(self, order: str, request_id: str) -> None:
        """Refuse an order that the phase doesn't allow, unless it was carried out already."""
        if self._answer(request_id) is not None:
            return
        if self.state.stopping and self.state.phase is CampaignPhase.draining:
            raise CampaignEnding(order)
        # A paused campaign stays paused while its window closes, whatever else goes on.
        phase = CampaignPhase.paused if self._held else self.state.phase
        if phase not in ACCEPTS[order]:
            raise CampaignNotInPhase(order, phase, wanted=ACCEPTS[order])

    @property
    def _held(self) -> bool:
        return self.state.paused and self.state.phase in _GOING_ON

    def _answer(self, request_id: str) -> OrderAnswer | None:
        return next((a for a in self.state.answers if a.request_id == request_id), None)
