"""What can be asked of xuc, typed: a session for the user that dials and one for each agent's.

Commands to a queue or an agent go through the first user; what concerns one telephone (its calls,
hanging up, forwards) goes through that telephone's user. Errors are `SwitchError`s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import date

from dialer.switching import SwitchRefused
from offhook.switches.xivo import wire
from offhook.switches.xivo import wire_callbacks as cb
from offhook.switches.xivo import wire_commands as cmd
from offhook.switches.xivo import wire_events as ev
from offhook.switches.xivo import wire_office as office
from offhook.switches.xivo.auth import Authority
from offhook.switches.xivo.session import Session
from offhook.switches.xivo.settings import XivoSettings


class XivoClient:
    """One link's sessions."""

    def __init__(
        self,
        settings: XivoSettings,
        link: str,
        *,
        on_event: Callable[[Session, wire.Event], None] | None = None,
        on_open: Callable[[Session], Awaitable[None]] | None = None,
    ) -> None:
        self.link = link
        self.authority = Authority(settings, link)
        self.sessions = tuple(
            Session(
                account,
                settings,
                self.authority,
                link=link,
                on_event=on_event,
                on_open=on_open,
            )
            for account in settings.accounts()
        )

    @property
    def main(self) -> Session:
        """The session of the user that dials."""
        return self.sessions[0]

    def session(self, login: str) -> Session:
        """The session of a user; `SwitchRefused` for one that the link has no password of."""
        for session in self.sessions:
            if session.account.login == login:
                return session
        raise SwitchRefused(f"link {self.link} has no user {login}; add it to agent_logins")

    async def aclose(self) -> None:
        """Close every session."""
        await asyncio.gather(*(session.aclose() for session in self.sessions))
        await self.authority.aclose()

    # -- agents and queues ---------------------------------------------------------------------

    async def dial_from_queue(self, command: cmd.DialFromQueue) -> None:
        """Have a free agent of the queue called, then the destination."""
        await self.main.tell(command)

    async def login_agent(self, number: str, agent_id: int) -> None:
        """Log an agent in on a telephone; refused as PhoneNumberUnknown or LoggedInOnAnotherPhone.

        An agent who was logged in there before is logged out.
        """
        await self.main.tell(cmd.AgentLogin(agent_phone_number=number, agent_id=agent_id))

    async def logout_agent(self, agent_id: int) -> None:
        """Log an agent out."""
        await self.main.tell(cmd.AgentLogout(agent_id=agent_id))

    async def pause_agent(self, agent_id: int, *, cause: str | None = None) -> None:
        """Pause an agent, with the cause that supervisors see."""
        await self.main.tell(cmd.PauseAgent(agent_id=agent_id, reason=cause))

    async def unpause_agent(self, agent_id: int) -> None:
        """Make an agent ready; ends his wrap-up too."""
        await self.main.tell(cmd.UnpauseAgent(agent_id=agent_id))

    async def listen_to_agent(self, agent_id: int) -> None:
        """Let the user's telephone listen to an agent."""
        await self.main.tell(cmd.ListenAgent(agent_id=agent_id))

    async def pause_recording(self, agent_id: int, *, paused: bool) -> None:
        """Pause the recording of the call that an agent took from a queue, or go on with it."""
        pause, go_on = cmd.MonitorPause(agent_id=agent_id), cmd.MonitorUnpause(agent_id=agent_id)
        await self.main.tell(pause if paused else go_on)

    async def set_penalty(self, agent_id: int, queue_id: int, penalty: int) -> ev.QueueMember:
        """Make an agent a member of a queue, or change his penalty there."""
        wanted = cmd.SetAgentQueue(agent_id=agent_id, queue_id=queue_id, penalty=penalty)
        return await self._membership(wanted, agent_id, queue_id)

    async def leave_queue(self, agent_id: int, queue_id: int) -> ev.QueueMember:
        """Take an agent off a queue."""
        wanted = cmd.RemoveAgentFromQueue(agent_id=agent_id, queue_id=queue_id)
        return await self._membership(wanted, agent_id, queue_id)

    async def _membership(
        self, wanted: cmd.SetAgentQueue | cmd.RemoveAgentFromQueue, agent_id: int, queue_id: int
    ) -> ev.QueueMember:
        # The document says that a failure is answered with nothing at all.
        return await self.main.ask(
            wanted,
            ev.QueueMember,
            matches=lambda told: (told.agent_id, told.queue_id) == (agent_id, queue_id),
        )

    async def agents(self) -> Sequence[ev.DirectoryAgent]:
        """Every agent that the user may see, with his state."""
        reply = await self.main.ask(cmd.GetAgentDirectory(), ev.AgentDirectory)
        return reply.directory

    async def agent_groups(self) -> Sequence[ev.AgentGroup]:
        """The groups of agents."""
        wanted = cmd.GetList(object_type=cmd.ListType.agent_group)
        return (await self.main.ask(wanted, ev.AgentGroupList)).groups

    async def queues(self) -> Sequence[ev.QueueConfig]:
        """Every queue that the user may see."""
        wanted = cmd.GetList(object_type=cmd.ListType.queue)
        return (await self.main.ask(wanted, ev.QueueList)).queues

    async def members(self) -> Sequence[ev.QueueMember]:
        """Who works in which queue."""
        wanted = cmd.GetList(object_type=cmd.ListType.queue_member)
        return (await self.main.ask(wanted, ev.QueueMemberList)).members

    async def queue_calls(self, queue_id: int) -> Sequence[ev.QueueCall]:
        """Who waits in a queue."""
        reply = await self.main.ask(
            cmd.SubscribeToQueueCalls(queue_id=queue_id),
            ev.QueueCalls,
            matches=lambda told: told.queue_id == queue_id,
        )
        await self.main.tell(cmd.UnSubscribeToQueueCalls(queue_id=queue_id))
        return reply.calls

    async def watch_statistics(self) -> None:
        """Be told of the counters of queues and agents, now and as they change."""
        await self.main.tell(cmd.SubscribeToQueueStats())
        await self.main.tell(cmd.SubscribeToAgentStats())

    # -- one telephone -------------------------------------------------------------------------

    async def current_calls(self, session: Session) -> Sequence[ev.PhoneEvent]:
        """The calls of a user's telephone, each as its last event."""
        reply = await session.ask(cmd.GetCurrentCallsPhoneEvents(), ev.CurrentCallsPhoneEvents)
        return reply.events

    async def dial(
        self, session: Session, number: str, *, data: dict[str, str] | None = None
    ) -> None:
        """Call from a user's telephone; `data` comes back in the phone events as `USR_`."""
        await session.tell(cmd.Dial(destination=number, variables=data or {}))

    async def dial_from_mobile(
        self, session: Session, number: str, *, data: dict[str, str] | None = None
    ) -> None:
        """Call a user's mobile, and then the number."""
        await session.tell(cmd.DialFromMobile(destination=number, variables=data or {}))

    async def answer(self, session: Session, unique_id: str = "") -> None:
        """Take a call that rings at a user's telephone."""
        await session.tell(cmd.Answer(unique_id=unique_id or None))

    async def hold(self, session: Session, unique_id: str = "") -> None:
        """Put a call of a user's telephone on hold, or take it back."""
        await session.tell(cmd.Hold(unique_id=unique_id or None))

    async def attach(self, session: Session, data: dict[str, str]) -> None:
        """Attach data to the calls of a user's telephone; it goes along when they are passed on."""
        await session.tell(cmd.SetData(variables=data))

    async def transfer(self, session: Session, to: str) -> None:
        """Have the current call ring at another number, without asking there."""
        await session.tell(cmd.DirectTransfer(destination=to))

    async def begin_transfer(self, session: Session, to: str) -> None:
        """Put the current call on hold and call whom it may be passed on to."""
        await session.tell(cmd.AttendedTransfer(destination=to))

    async def complete_transfer(self, session: Session) -> None:
        """Pass the call on to whoever was asked."""
        await session.tell(cmd.CompleteTransfer())

    async def cancel_transfer(self, session: Session) -> None:
        """Hang up on whoever was asked, and go back to the call on hold."""
        await session.tell(cmd.CancelTransfer())

    async def hang_up(self, session: Session, unique_id: str) -> None:
        """End a call of a user's telephone."""
        await session.tell(cmd.Hangup(unique_id=unique_id or None))

    async def forward(
        self, session: Session, when: type[cmd.NaFwd | cmd.UncFwd | cmd.BusyFwd], *, to: str | None
    ) -> None:
        """Forward a user's calls on no answer, always or while busy; `None` ends it."""
        await session.tell(when(state=to is not None, destination=to or ""))

    async def history(self, session: Session, size: int) -> Sequence[office.HistoryCall]:
        """A user's last calls."""
        return (await session.ask(cmd.GetUserCallHistory(size=size), office.CallHistory)).calls

    async def agent_history(self, session: Session, size: int) -> Sequence[office.HistoryCall]:
        """The last calls of the agent that a user is."""
        return (await session.ask(cmd.GetAgentCallHistory(size=size), office.CallHistory)).calls

    async def queue_history(self, queue: str, size: int) -> Sequence[office.HistoryCall]:
        """The last calls of the queues whose name contains `queue`."""
        wanted = cmd.GetQueueCallHistory(queue=queue, size=size)
        return (await self.main.ask(wanted, office.CallHistory)).calls

    # -- directory, conferences, memberships ---------------------------------------------------

    async def look_up(self, term: str) -> office.DirectoryResult:
        """What the directory has for a word."""
        return await self.main.ask(cmd.DirectoryLookUp(term=term), office.DirectoryResult)

    async def favorites(self, session: Session) -> office.Favorites:
        """A user's favourites."""
        return await session.ask(cmd.GetFavorites(), office.Favorites)

    async def set_favorite(
        self, session: Session, contact_id: str, source: str, *, on: bool
    ) -> office.FavoriteUpdated:
        """Add an entry of the directory to a user's favourites, or take it off."""
        model = cmd.AddFavorite if on else cmd.RemoveFavorite
        return await session.ask(
            model(contact_id=contact_id, source=source),
            office.FavoriteUpdated,
            matches=lambda told: told.contact_id == contact_id,
        )

    async def conferences(self) -> Sequence[office.Conference]:
        """The conference rooms, with who is in; the user must have a line."""
        wanted = cmd.GetList(object_type=cmd.ListType.conference)
        return (await self.main.ask(wanted, office.ConferenceList)).conferences

    async def default_membership(self, user_id: int) -> Sequence[cmd.QueueMembership]:
        """In which queues a user (not an agent) works by default."""
        reply = await self.main.ask(
            cmd.GetUserDefaultMembership(user_id=user_id),
            office.UserQueueDefaultMembership,
            matches=lambda told: told.user_id == user_id,
        )
        return reply.membership

    async def set_default_membership(
        self, user_ids: Sequence[int], membership: Sequence[cmd.QueueMembership]
    ) -> None:
        """Say in which queues users work by default."""
        await self.main.tell(
            cmd.SetUsersDefaultMembership(user_ids=tuple(user_ids), membership=tuple(membership))
        )

    async def apply_default_membership(self, user_ids: Sequence[int]) -> None:
        """Put users into the queues in which they work by default."""
        await self.main.tell(cmd.ApplyUsersDefaultMembership(user_ids=tuple(user_ids)))

    # -- callbacks -----------------------------------------------------------------------------

    async def callback_lists(self) -> Sequence[cb.CallbackList]:
        """Every callback list with its requests."""
        return (await self.main.ask(cb.GetCallbackLists(), cb.CallbackLists)).lists

    async def find_callbacks(self, number: int, wanted: cb.FindRequest) -> cb.FoundCallbacks:
        """A page of requests; `number` tells one search from another."""
        reply = await self.main.ask(
            cb.FindCallbackRequest(id=number, request=wanted),
            cb.FindCallbackResponse,
            matches=lambda told: told.id == number,
        )
        return reply.response

    async def preferred_periods(self) -> Sequence[cb.PreferredPeriod]:
        """The periods that can be preferred."""
        wanted = cb.GetCallbackPreferredPeriods()
        return (await self.main.ask(wanted, cb.PreferredCallbackPeriodList)).periods

    async def take_callback(self, session: Session, uuid: str) -> None:
        """Take a request for the agent that a user is."""
        await session.tell(cb.TakeCallback(uuid=uuid))

    async def release_callback(self, session: Session, uuid: str) -> None:
        """Give it back."""
        await session.tell(cb.ReleaseCallback(uuid=uuid))

    async def start_callback(self, session: Session, uuid: str, number: str) -> None:
        """Call the person of a request that was taken; once, whatever becomes of the reply."""
        await session.tell(cb.StartCallback(uuid=uuid, number=number))

    async def ticket_callback(
        self,
        session: Session,
        uuid: str,
        status: cb.TicketStatus,
        *,
        comment: str = "",
        due: tuple[date, str] | None = None,
    ) -> None:
        """Say what came of a callback; `due` is another day and the uuid of a period."""
        await session.tell(
            cb.UpdateCallbackTicket(
                uuid=uuid,
                status=status,
                comment=comment,
                due_date=due[0].isoformat() if due else None,
                period_uuid=due[1] if due else None,
            )
        )
