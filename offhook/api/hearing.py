"""What somebody is told of live: by permission, and by campaign, queue and group."""

from dataclasses import dataclass

from sqlalchemy import select
from starlette.requests import Request

from offhook.accounts.principal import Principal
from offhook.accounts.roles import Permission
from offhook.accounts.scoping import in_scope
from offhook.api.agent_seeing import agents_in_scope
from offhook.api.auth import principal_now
from offhook.api.services import Services, services_of
from offhook.feed.facts import Fact
from offhook.storage.callback_tables import callback_lists
from offhook.storage.campaign_records import store_session

_NEEDS = {
    "call": Permission.calls_read,
    "agent": Permission.agents_read,
    "pacing": Permission.campaigns_read,
    "campaign": Permission.campaigns_read,
    "callback": Permission.callbacks_read,
    "webhook": Permission.webhooks_read,
}


@dataclass(frozen=True)
class Hearing:
    """Somebody, and what is in their scope of what facts name."""

    who: Principal
    lists: frozenset[str] | None = None
    """Callback lists of their queues; None is all."""
    agents: frozenset[str] | None = None
    """Agents in their groups; None is all."""

    def may_hear(self, fact: Fact) -> bool:
        """Whether they may be told of a fact."""
        about = fact.kind.partition(".")[0]
        needed = _NEEDS.get(about)
        if needed is not None and not self.who.may(needed):
            return False
        if not self.who.scope.has(campaign=fact.campaign_id):
            return False
        if self.lists is not None and about == "callback":
            return fact.data.get("list_id") in self.lists
        agent = fact.data.get("agent_id")
        return self.agents is None or not agent or agent in self.agents


async def hearing_of(services: Services, who: Principal) -> Hearing:
    """What somebody may be told of as of now."""
    lists = None
    if who.scope.queues is not None:
        theirs = in_scope(who, queue=callback_lists.c.queue)
        async with store_session(services.database) as session:
            lists = frozenset(await session.scalars(select(callback_lists.c.id).where(theirs)))
    agents = await agents_in_scope(services.database, who)
    return Hearing(who, lists, agents)


async def hearing_now(request: Request) -> Hearing | None:
    """The same for whoever listens already; None for who may not any more."""
    who = await principal_now(request)
    if who is None or not who.may(Permission.floor_read):
        return None
    return await hearing_of(services_of(request), who)
