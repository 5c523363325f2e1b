"""The campaign: a durable state machine over one long dial activity.

What it decides: when the dial activity runs, and that every order of a person takes effect once.
The state is written to the system of record before whoever dials is told, so that a dial activity
which starts in between reads it there. Orders travel through the inbox of the campaign, in order;
one that comes too late for the activity it was meant for is read by the next, which is why each
activity starts with an order that says how things stand now, and why an end that nobody asked for
(a late `stopped` or `window_closed`) just means to dial again.

Continue-as-new can't carry a running activity. The old run cancels it, which hangs nothing up, and
the new run's activity takes its calls over by the lease, whether or not the window is still open.

Budget: 12 events an order, 25 a calling window, 3 a dial activity however long it runs; a campaign
of a year with two windows a day stays under 20,000. A run is renewed at 1,000 orders or when the
server suggests it, whichever comes first.
"""

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities import options
    from activities.contracts import (
        BeginCampaign,
        CampaignBegun,
        CampaignInput,
        CampaignResult,
        CampaignSnapshot,
        CampaignState,
        ChangeSettings,
        DialInput,
        DialReason,
        DialResult,
        OrderAnswer,
        PauseCampaign,
        ResumeCampaign,
        StopCampaign,
    )
    from dialer.events import (
        DrainRequested,
        Event,
        PauseRequested,
        ResumeRequested,
        SettingsChanged,
    )
    from dialer.model import CampaignPhase, CampaignSettings
    from dialer.rejections import Rejected, SwitchIsFixed
    from workflows.campaign_book import CampaignBook, unbroken
    from workflows.refusals import refusals, refusing

LATE_ORDER_PAUSE = timedelta(seconds=1)
"""Wait after an end that nobody asked for, so that a mistake can't spin."""

_P = CampaignPhase


@workflow.defn(name="Campaign", failure_exception_types=[Rejected])
class CampaignWorkflow:
    """One run of a campaign, from its start to its end. Id: `campaign/<id>`."""

    @workflow.init
    def __init__(self, start: CampaignInput) -> None:
        self._start = start
        self._book = CampaignBook(start)
        self._dial: workflow.ActivityHandle[DialResult] | None = None
        self._closing = False
        """The window has closed and the dial activity was asked to end."""

    @workflow.run
    async def run(self, start: CampaignInput) -> CampaignResult:
        """Dial in every calling window until the list is exhausted or somebody stops it."""
        try:
            phase, already = await self._live()
        except BaseException as error:
            if is_cancelled_exception(error):
                # Who cancels wants no more calls, and nobody would take over those in progress.
                await self._wind_up()
                raise
            if isinstance(error, ActivityError) and isinstance(error.cause, ApplicationError):
                await self._fail(error.cause)
            raise
        return CampaignResult(phase=phase, already=already)

    async def _live(self) -> tuple[CampaignPhase, bool]:
        """Live the campaign's life; return its last phase, and whether it had been lived before."""
        if not self._state.begun:
            ended = await self._begin()
            if ended is not None:
                return ended, True
        while not self._state.stopping or self._state.handed_over:
            await self._renew_if_due()
            opens_at = self._look_at_hours()
            may_dial = not self._state.paused and opens_at == workflow.now()
            if may_dial or self._state.handed_over:
                if await self._dial_until_closed() is DialReason.exhausted:
                    return await self._end(_P.completed), False
            else:
                await self._wait(until=None if self._state.paused else opens_at, renewable=True)
        return await self._end(_P.stopped), False

    async def _begin(self) -> CampaignPhase | None:
        """Fetch the settings; return how the run ended if it has been run before."""
        begun: CampaignBegun = await unbroken(
            workflow.start_activity(
                options.BEGIN_CAMPAIGN,
                BeginCampaign(campaign_id=self._start.campaign_id, run_key=self._start.run_key),
                result_type=CampaignBegun,
                **options.RECORD,
            )
        )
        self._book.set(begun=True, settings=begun.settings, settings_version=begun.settings_version)
        if begun.ended is not None:
            self._book.set(phase=begun.ended)
            await workflow.wait_condition(workflow.all_handlers_finished)
        return begun.ended

    # Dialing

    async def _dial_until_closed(self) -> DialReason | None:
        """Run one dial activity to its end; None when it ended for no reason of this campaign."""
        async with self._book.lock:
            if (self._state.paused or self._state.stopping) and not self._state.handed_over:
                return None
            dial = await self._start_dialing()
        while not dial.done():
            await self._watch(dial)
        reason = await self._reason(dial)
        self._book.set(handed_over=reason is DialReason.handover)
        if reason is DialReason.exhausted or self._state.stopping:
            return reason
        if reason is DialReason.window_closed and self._closing:
            async with self._book.lock:
                if not self._state.stopping:
                    phase = _P.paused if self._state.paused else _P.scheduled
                    await self._book.record(phase, key=f"closed-{self._state.openings}")
            return reason
        if reason is not DialReason.handover:
            await workflow.sleep(LATE_ORDER_PAUSE)
        return None

    async def _start_dialing(self) -> "workflow.ActivityHandle[DialResult]":
        """Record that the campaign dials, tell the engine how things stand, and start it."""
        self._closing = False
        self._book.set(openings=self._state.openings + 1)
        phase, event, reason = self._standing()
        key = f"open-{self._state.openings}"
        await self._book.record(phase, key=key, event=event, reason=reason)
        self._dial = workflow.start_activity(
            options.DIAL_CAMPAIGN,
            DialInput(campaign_id=self._start.campaign_id, switch=self._settings.switch),
            result_type=DialResult,
            **options.DIAL,
        )
        return self._dial

    def _standing(self) -> tuple[CampaignPhase, Event, str]:
        if self._state.stopping:
            stopped = DialReason.stopped
            return _P.draining, DrainRequested(reason=stopped), stopped
        if self._state.paused:
            return _P.paused, PauseRequested(), ""
        return _P.running, ResumeRequested(), ""

    async def _watch(self, dial: "workflow.ActivityHandle[DialResult]") -> None:
        """Wait beside the dial activity for its end, the window's close, or a renewal."""
        now = workflow.now()
        closes_at = self._settings.hours.next_close(now)
        self._book.set(opens_at=None, closes_at=closes_at)
        if self._closing or self._state.stopping:
            await self._wait(until=None, renewable=False)
        elif closes_at is not None and closes_at <= now:
            await self._close_window()
        elif self._renewal_due():
            await self._renew_while_dialing(dial)
        else:
            await self._wait(until=closes_at, renewable=True)

    async def _close_window(self) -> None:
        async with self._book.lock:
            self._closing = True
            if not self._state.stopping:
                await self._drain(DialReason.window_closed, key=f"close-{self._state.openings}")

    async def _drain(self, reason: DialReason, *, key: str, clear: bool = False) -> None:
        """Have the dial activity end once its calls have. The reason is recorded too, for one that
        takes over before it is done.
        """
        event = DrainRequested(reason=reason, clear=clear) if self._dialing else None
        await self._book.record(_P.draining, key=key, event=event, reason=reason)

    async def _reason(self, dial: "workflow.ActivityHandle[DialResult]") -> DialReason:
        try:
            return (await dial).reason
        except ActivityError as error:
            if is_cancelled_exception(error):
                return DialReason.handover
            raise

    @property
    def _dialing(self) -> bool:
        return self._dial is not None and not self._dial.done()

    # Waiting

    def _look_at_hours(self) -> datetime | None:
        """Note when the campaign's hours open and close next; the opening may be now."""
        now = workflow.now()
        opens_at = self._settings.hours.next_open(now)
        closes_at = None if opens_at is None else self._settings.hours.next_close(opens_at)
        self._book.set(opens_at=None if opens_at == now else opens_at, closes_at=closes_at)
        return opens_at

    async def _wait(self, *, until: datetime | None, renewable: bool) -> None:
        """Return when an order has come, the dial activity has ended, or it is time."""
        seen, dial = self._book.changes, self._dial if self._dialing else None

        def due() -> bool:
            return (
                self._book.changes != seen
                or (dial is not None and dial.done())
                or (renewable and self._renewal_due())
            )

        try:
            await workflow.wait_condition(
                due, timeout=None if until is None else until - workflow.now()
            )
        except TimeoutError:
            return

    # The end

    async def _end(self, phase: CampaignPhase) -> CampaignPhase:
        """Refuse every order from here on, then write down how it ended."""
        self._book.set(phase=phase)
        await workflow.wait_condition(workflow.all_handlers_finished)
        await self._book.record(phase, key="end")
        return phase

    async def _wind_up(self) -> None:
        """After a cancellation: let calls end, then leave the record as stopped."""
        if not self._state.begun and await self._begin() is not None:
            return
        if self._state.phase in {_P.completed, _P.stopped}:
            return
        async with self._book.lock:
            self._book.set(stopping=True)
            if self._dialing:
                await self._drain(DialReason.stopped, key="cancelled")
            elif self._state.handed_over:
                await self._start_dialing()
        if self._dial is not None:
            await workflow.wait_condition(self._dial.done)
        await self._end(_P.stopped)

    async def _fail(self, cause: ApplicationError) -> None:
        """Write down why nothing more can be done, and fail with the code of the cause."""
        begun = self._state.begun
        self._book.set(begun=True, phase=_P.failed)
        await workflow.wait_condition(workflow.all_handlers_finished)
        if begun:
            await self._book.record(_P.failed, key="failed", reason=cause.message)
        raise ApplicationError(cause.message, type=cause.type, non_retryable=True) from None

    # Renewal

    def _renewal_due(self) -> bool:
        return (
            workflow.info().is_continue_as_new_suggested()
            or self._state.updates_seen >= self._start.renew_after
        )

    async def _renew_if_due(self) -> None:
        if self._renewal_due():
            await workflow.wait_condition(workflow.all_handlers_finished)
            if not self._state.stopping:
                self._continue()

    async def _renew_while_dialing(self, dial: "workflow.ActivityHandle[DialResult]") -> None:
        """End the dial activity without touching its calls; the next run's takes them over."""
        await workflow.wait_condition(workflow.all_handlers_finished)
        if self._state.stopping or dial.done():
            return
        dial.cancel()
        self._book.set(handed_over=True)
        await workflow.wait_condition(dial.done)
        if await self._reason(dial) is not DialReason.handover:
            return
        await workflow.wait_condition(workflow.all_handlers_finished)
        self._continue()

    def _continue(self) -> None:
        state = self._state.model_copy(update={"updates_seen": 0, "runs": self._state.runs + 1})
        workflow.continue_as_new(self._start.model_copy(update={"resume": state}))

    # Orders

    @workflow.update
    @refusals
    async def pause(self, request: PauseCampaign) -> OrderAnswer:
        """Place nothing more until resumed; repeating it gives the first answer."""

        async def act() -> None:
            event = PauseRequested(clear=request.clear) if self._dialing else None
            phase = _P.draining if self._dialing and self._closing else _P.paused
            await self._book.record(phase, key=_key(request), event=event, paused=True)

        return await self._book.obey("be paused", request.request_id, act)

    @workflow.update
    @refusals
    async def resume(self, request: ResumeCampaign) -> OrderAnswer:
        """Place calls again; repeating it gives the first answer."""

        async def act() -> None:
            phase, event = _P.scheduled, None
            if self._dialing:
                phase, event = _P.draining if self._closing else _P.running, ResumeRequested()
            await self._book.record(phase, key=_key(request), event=event, paused=False)

        return await self._book.obey("be resumed", request.request_id, act)

    @workflow.update
    @refusals
    async def stop(self, request: StopCampaign) -> OrderAnswer:
        """End the campaign once its calls have ended; repeating it gives the first answer."""

        async def act() -> None:
            await self._drain(DialReason.stopped, key=_key(request), clear=request.clear)
            self._book.set(stopping=True)

        return await self._book.obey("be stopped", request.request_id, act)

    @workflow.update
    @refusals
    async def change_settings(self, request: ChangeSettings) -> OrderAnswer:
        """Replace the settings; repeating it gives the first answer."""

        async def act() -> None:
            wanted = request.settings
            if wanted.switch != self._settings.switch:
                raise SwitchIsFixed(self._settings.switch, wanted.switch)
            event = SettingsChanged(settings=wanted) if self._dialing else None
            await self._book.record(
                self._state.phase, key=_key(request), event=event, settings=wanted
            )

        return await self._book.obey("change its settings", request.request_id, act)

    @pause.validator
    @refusing
    def _may_pause(self, request: PauseCampaign) -> None:
        self._book.require("be paused", request.request_id)

    @resume.validator
    @refusing
    def _may_resume(self, request: ResumeCampaign) -> None:
        self._book.require("be resumed", request.request_id)

    @stop.validator
    @refusing
    def _may_stop(self, request: StopCampaign) -> None:
        self._book.require("be stopped", request.request_id)

    @change_settings.validator
    @refusing
    def _may_change_settings(self, request: ChangeSettings) -> None:
        self._book.require("change its settings", request.request_id)

    @workflow.query
    def snapshot(self) -> CampaignSnapshot:
        """Where the campaign stands."""
        return self._book.snapshot(dialing=self._dialing)

    # State

    @property
    def _state(self) -> CampaignState:
        return self._book.state

    @property
    def _settings(self) -> CampaignSettings:
        return self._book.settings


def _key(request: PauseCampaign | ResumeCampaign | StopCampaign | ChangeSettings) -> str:
    return f"order/{request.request_id}"
