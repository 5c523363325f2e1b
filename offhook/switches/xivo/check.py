"""Everything that must be right between offhook and an xuc server, each with what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from dialer.switching import SwitchError, SwitchUnavailable
from offhook.switches.base import CheckResult
from offhook.switches.clock_check import check_skew
from offhook.switches.delivery import EventPath
from offhook.switches.xivo.auth import LoginRefused
from offhook.switches.xivo.client import XivoClient
from offhook.switches.xivo.settings import XivoSettings
from offhook.switches.xivo.wire_events import AgentStateName, Profile

EVENT_SILENCE = timedelta(minutes=15)


async def check_link(
    client: XivoClient, settings: XivoSettings, event_path: EventPath | None
) -> Sequence[CheckResult]:
    """Every check that makes sense, in order; never raises for what the PBX does."""
    results = await _check_door(client)
    if all(result.ok for result in results if result.name != "clock"):
        results += [
            _check_rights(client),
            await _check_queues(client),
            await _check_users(client, settings),
        ]
    results.append(await _check_events(event_path))
    return results


async def _check_door(client: XivoClient) -> list[CheckResult]:
    """Reachability, authentication and clock, from one login."""
    login = client.main.account.login
    reached = CheckResult(name="reachability", ok=True, detail="xuc answers")
    try:
        await client.main.ready()
    except LoginRefused as error:
        return [
            reached,
            CheckResult(
                name="authentication",
                ok=False,
                detail=str(error),
                advice=f"check the password of {login}, and that the user may use the assistant",
            ),
        ]
    except SwitchError as error:
        advice = "check base_url, DNS, the firewall and that xuc runs"
        return [CheckResult(name="reachability", ok=False, detail=str(error), advice=advice)]
    known = CheckResult(name="authentication", ok=True, detail=f"user {login} is let in")
    skew = client.authority.clock_skew
    off = None if skew is None else timedelta(seconds=skew)
    return [reached, known, check_skew(off, whose="the server")]


def _check_rights(client: XivoClient) -> CheckResult:
    profile = client.main.profile
    seen = {
        Profile.admin: "an administrator: sees every queue and agent",
        Profile.supervisor: "a supervisor: sees the queues and groups of the profile",
        Profile.none: "without a profile: xuc shows what it shows an administrator",
    }
    told = next((text for known, text in seen.items() if profile == known), f"{profile or '?'}")
    return CheckResult(name="rights", ok=True, detail=f"the user is {told}")


async def _check_queues(client: XivoClient) -> CheckResult:
    try:
        queues, members, agents = await asyncio.gather(
            client.queues(), client.members(), client.agents()
        )
    except SwitchError as error:
        return CheckResult(
            name="queues", ok=False, detail=str(error), advice="look at the log of xuc"
        )
    if not queues:
        return CheckResult(
            name="queues",
            ok=False,
            detail="the user sees no queue",
            advice="give the user's profile the queues to dial from",
        )
    out = AgentStateName.logged_out
    here = {row.agent.id for row in agents if row.agent_state.state != out}
    staffed = {member.queue_id for member in members if member.agent_id in here}
    detail = f"{len(queues)} queues, {len(staffed)} with agents logged in"
    return CheckResult(
        name="queues",
        ok=True,
        detail=detail,
        advice="" if staffed else "nothing can be dialed until agents log in to a queue",
    )


async def _check_users(client: XivoClient, settings: XivoSettings) -> CheckResult:
    """Every agent's user is let in and is an agent."""

    async def problem(login: str) -> str:
        session = client.session(login)
        try:
            await session.ready()
        except SwitchError as error:
            return f"{login}: {error}"
        if session.user is not None and session.user.agent_id is None:
            return f"{login}: is no agent"
        return ""

    if not settings.agent_logins:
        return CheckResult(
            name="users",
            ok=False,
            detail="no user of an agent is configured, so no call can be followed",
            advice="name the agents' users with --agent-login",
        )
    found = [told for told in await asyncio.gather(*map(problem, settings.agent_logins)) if told]
    if found:
        return CheckResult(
            name="users",
            ok=False,
            detail=f"{len(found)} of {len(settings.agent_logins)} fail; {found[0]}"[:300],
            advice="correct the users' passwords, or that each is linked to an agent",
        )
    return CheckResult(
        name="users", ok=True, detail=f"{len(settings.agent_logins)} agents' users are let in"
    )


async def _check_events(path: EventPath | None) -> CheckResult:
    if path is None:
        return CheckResult(
            name="events",
            ok=False,
            detail="nobody can say whether events arrive",
            advice="run the check from the installation that receives them",
        )
    try:
        delivery = await path.last_delivery()
    except SwitchUnavailable as error:
        return CheckResult(
            name="events",
            ok=False,
            detail=str(error),
            advice="start `offhook up` or `offhook links`",
        )
    if delivery.last_at is None:
        return CheckResult(
            name="events",
            ok=False,
            detail="no event of a call of ours was ever received",
            advice="start `offhook up` or `offhook links`, and place a call",
        )
    silence = datetime.now(UTC) - delivery.last_at
    detail = f"last event {silence.total_seconds():.0f} s ago"
    advice = "" if silence <= EVENT_SILENCE else "quiet for a while: place a call if in doubt"
    return CheckResult(name="events", ok=True, detail=detail, advice=advice)
