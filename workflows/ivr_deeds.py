"""Carrying out what a node asks for: each deed is one activity, and its end one event.

A deed that fails is an answer too: the node says where a call goes then.
"""

from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities import options
from activities.ivr_contracts import (
    BookCallback,
    CallHook,
    Done,
    HookSaid,
    LeaveQueue,
    OptOut,
    PinVerdict,
    SaveAnswers,
    StartSession,
    VerifyPin,
)
from ivr import machine_words as words
from ivr.machine_words import AnyEvent, Carried, HookAnswered, PinAnswer, PinChecked, Session

_NETWORK = timedelta(milliseconds=700)
"""A hook's own time-out ends it before its activity's does."""


@dataclass(frozen=True)
class Deeds:
    """Does things for one caller."""

    session_id: str
    start: StartSession
    callback_list: str

    async def carry_out(self, session: Session) -> AnyEvent | None:
        """Do what the last step asked for and tell what came of it; None when it asked nothing."""
        for action in session.last:
            match action:
                case words.VerifyPin():
                    return await self._verify(session, action)
                case words.CallHook():
                    return await self._ask(session, action)
                case words.BookCallback():
                    return await self._book(session, action)
                case words.RecordOptOut():
                    return await self._opt_out(session, action)
                case _:
                    pass
        return None

    async def aside(self, session: Session) -> None:
        """Do what nothing waits for."""
        for action in session.last:
            if isinstance(action, words.LeaveQueue):
                await self.leave_queue(connected=False)
            elif isinstance(action, words.SaveAnswers):
                await self._save(action)

    async def leave_queue(self, *, connected: bool) -> None:
        """Give back the place, and the agent unless connected; a lease ends by itself at worst."""
        try:
            await workflow.execute_activity(
                options.LEAVE_QUEUE,
                LeaveQueue(session_id=self.session_id, connected=connected),
                result_type=type(None),
                **options.SESSION_DEED,
            )
        except ActivityError:
            workflow.logger.warning("ivr_queue_not_left")

    async def _verify(self, session: Session, action: words.VerifyPin) -> AnyEvent:
        request = VerifyPin(
            reference=action.reference,
            policy=action.policy,
            customer=action.customer,
            session_id=self.session_id,
            call_id=self.start.call_id,
            calling=session.calling,
            turn=action.turn,
        )
        try:
            said: PinVerdict = await workflow.execute_activity(
                options.VERIFY_PIN, request, result_type=PinVerdict, **options.SESSION_DEED
            )
        except ActivityError:
            said = PinVerdict(answer=PinAnswer.unavailable)
        return PinChecked(
            at=workflow.now(), turn=action.turn, answer=said.answer, customer=said.customer
        )

    async def _ask(self, session: Session, action: words.CallHook) -> AnyEvent:
        request = CallHook(
            url=action.url,
            secret=action.secret,
            timeout=action.timeout,
            values=action.values,
            key=f"{self.session_id}/{session.turn}",
        )
        try:
            said: HookSaid = await workflow.execute_activity(
                options.CALL_HOOK,
                request,
                result_type=HookSaid,
                schedule_to_close_timeout=action.timeout + _NETWORK,
                retry_policy=options.SESSION_HOOK_RETRY,
            )
        except ActivityError:
            said = HookSaid()
        return HookAnswered(
            at=workflow.now(), turn=action.turn, result=said.result, values=said.values
        )

    async def _book(self, session: Session, action: words.BookCallback) -> AnyEvent:
        request = BookCallback(
            key=f"{self.session_id}/{session.turn}",
            switch_id=self.start.switch_id,
            number=action.number,
            not_before=action.not_before,
            group=action.group,
            callback_list=self.callback_list,
        )
        return await self._done(options.BOOK_CALLBACK, request, action.turn)

    async def _opt_out(self, session: Session, action: words.RecordOptOut) -> AnyEvent:
        request = OptOut(
            session_id=self.session_id,
            switch_id=self.start.switch_id,
            call_id=self.start.call_id,
            number=action.number or session.calling,
            scope=action.scope,
        )
        return await self._done(options.OPT_OUT, request, action.turn)

    async def _done(self, name: str, request: BookCallback | OptOut, turn: int) -> AnyEvent:
        try:
            done: Done = await workflow.execute_activity(
                name, request, result_type=Done, **options.SESSION_DEED
            )
        except ActivityError:
            done = Done(ok=False)
        return Carried(at=workflow.now(), turn=turn, ok=done.ok)

    async def _save(self, action: words.SaveAnswers) -> None:
        request = SaveAnswers(
            session_id=self.session_id,
            survey=action.survey,
            answers=action.answers,
            at=workflow.now(),
        )
        try:
            await workflow.execute_activity(
                options.SAVE_ANSWERS, request, result_type=type(None), **options.SESSION_DEED
            )
        except ActivityError:
            workflow.logger.warning("ivr_answers_not_saved")
