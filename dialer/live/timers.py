"""What is done when a deadline is due. Every one yields a command."""

from datetime import datetime
from typing import assert_never

from dialer.call import CallState
from dialer.commands import HangUp
from dialer.live import agents, calls, listening, matching, previewing, replies, watching
from dialer.live.deadlines import Timer
from dialer.live.things import LiveCall
from dialer.live.world import World
from dialer.model import AgentId
from dialer.outcomes import Outcome


def fire(world: World, timer: Timer, who: str, now: datetime) -> None:
    """Do what a deadline was set for."""
    match timer:
        case Timer.snapshot:
            world.ask_snapshot(now)
        case Timer.park_ring if watching.looks(world, now):
            watching.look_again(world, timer, who, now)
        case Timer.park_ring:
            agents.park_rang_out(world, AgentId(who), now)
        case Timer.release:
            agents.release_unheard(world, AgentId(who), now)
        case Timer.preview:
            previewing.time_up(world, AgentId(who), now)
        case Timer.wrap:
            agents.wrapped(world, AgentId(who), now)
        case (
            Timer.ring
            | Timer.doubt
            | Timer.listen
            | Timer.patience
            | Timer.reserve
            | Timer.join_check
            | Timer.message
            | Timer.hang_up
            | Timer.join_news
        ):
            call = world.calls.get(who)
            if call is not None:
                _fire_call(world, timer, call, now)
            else:
                past = world.past.get(who)
                ref = past.call if past else None
                world.emit(HangUp(correlator=who, call=ref, reason="message_limit"))
        case never:
            assert_never(never)


def _fire_call(world: World, timer: Timer, call: LiveCall, now: datetime) -> None:
    if watching.looks_again(world, timer, call, now):
        return
    match timer:
        case Timer.ring:
            heard = call.accepted or call.state is not CallState.placing
            on_end = Outcome.no_answer if heard else Outcome.unknown
            calls.hang_up(world, call, now, reason="ring_timeout", on_end=on_end)
        case Timer.doubt:
            replies.doubt(world, call, now)
        case Timer.listen:
            listening.unheard(world, call, now)
        case Timer.patience:
            calls.give_up(world, call, now)
        case Timer.reserve:
            matching.join_overdue(world, call, now)
        case Timer.join_check:
            matching.join_failed(world, call, now, suspect=True)
        case Timer.join_news:
            calls.close_ended(world, call, now)
        case Timer.message:
            calls.hang_up(world, call, now, reason="message_limit")
        case _:
            calls.hang_up_unheard(world, call, now)
