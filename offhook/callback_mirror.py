"""Callback lists that a PBX keeps itself, mirrored and driven.

The PBX wins: a move of ours is asked of it before it is written here, and what it shows is written
here as it is. Its lists are compared with the record when a link is made, whenever it tells of a
change, and every half minute; what differs goes to the callback's own workflow, with the version
that was compared, so that news which is older than a move made here is dropped. A request that was
found to be the same in both is not looked at again until the PBX shows it otherwise, or until
everything is compared every two minutes.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog

from activities.callback_contracts import DriveCallback, MirrorCallback
from activities.errors import NotConfigured
from dialer.appointments import Period
from dialer.callback_mirror import MIRRORED, Seen, reflect
from dialer.callback_refusals import CallbackNotInPhase, CallbackTaken
from dialer.callbacks import CallbackId, CallbackListId, CallbackRequest, Move, TicketStatus
from dialer.model import AgentId, SwitchId
from dialer.numbers import InvalidNumber, zones_of
from dialer.switching import SwitchRefused
from offhook.callbacks import DEFAULT_ZONE
from offhook.errors import OffhookError
from offhook.open_switches import OpenSwitches
from offhook.storage.callback_lists import CallbackLists, CallbackListView, CallbackRow
from offhook.storage.callback_store import Booking, PostgresCallbacks
from offhook.storage.callback_tables import CallbackSource
from offhook.storage.database import Database
from offhook.storage.link_store import LinkStore
from offhook.switches.base import KeepsCallbacks, KeptList
from offhook.temporal.callbacks import CallbackDesk
from offhook.temporal.campaigns import NobodyAnswers, OrderRefused

log = structlog.get_logger()

Same = dict[str, dict[str, Seen]]
"""List -> request -> what the PBX showed of it when the record had the same, both by its names."""

LOOK_EVERY = timedelta(seconds=30)
ALL_EVERY = timedelta(minutes=2)
"""Between comparisons of everything, for whatever changed here alone."""
SETTLE_S = 0.2
"""After news, so that a burst of it is one comparison."""


@dataclass(frozen=True)
class SwitchCallbackLists:
    """Implements `activities.callbacks.ExternalLists` on the stored switches."""

    database: Database
    desk: CallbackDesk
    switches: OpenSwitches
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    look_every: timedelta = LOOK_EVERY

    async def drive(self, order: DriveCallback) -> None:
        """Look first, then ask: what was done before an answer was lost isn't done again."""
        request = order.promise.request
        switch = request.switch_id
        if switch is None or order.agent_id is None:
            raise SwitchRefused(f"callback {request.callback_id} names no switch or no agent")
        keeper = await self._keeper(switch)
        address = await self._address(switch, order.agent_id)
        seen = await _find(keeper, request.external_id)
        if order.move is Move.take:
            await _take(keeper, order, seen, address)
        elif seen is not None and seen.holder == address:
            await _give_up(keeper, order, address)

    async def follow(self, switch: SwitchId, *, alive: Callable[[], None]) -> None:
        """Compare for ever."""
        same = Same()
        heard, all_at = False, self.clock()
        while True:
            keeper = await self._keeper(switch)
            if self.clock() >= all_at:
                same.clear()
                heard, all_at = False, self.clock() + ALL_EVERY
            found = await self.compare(switch, keeper, same, anew=not heard)
            alive()
            if found:
                log.info("callback_lists_mirrored", switch=switch, changed=found)
            heard = await self._news(keeper, alive)

    async def _news(self, keeper: KeepsCallbacks, alive: Callable[[], None]) -> bool:
        """Wait for news, or until it is time to look where there is none; whether there was any."""
        waited = timedelta(0)
        while waited < self.look_every:
            step = min(self.look_every - waited, timedelta(seconds=10))
            if await keeper.changed(within=step):
                await asyncio.sleep(SETTLE_S)
                return True
            waited += step
            alive()
        return False

    async def compare(
        self, switch: SwitchId, keeper: KeepsCallbacks, same: Same, *, anew: bool = True
    ) -> int:
        """Take over what differs, but for what is known to be the `same`; how many did."""
        known = {one.external_id: one for one in await self._known(switch)}
        # What is recorded is read before what is shown: a move made here in between is seen there.
        everything = {
            key: await self._rows(one.list_id) for key, one in known.items() if key not in same
        }
        agents = await LinkStore(self.database).agents(switch)
        names = {agent.address: agent.agent_id for agent in agents}
        changed = 0
        found = await keeper.lists(anew=anew)
        for kept in found:
            view = known.get(kept.list_id) or await self._add(switch, kept)
            rows = everything.get(kept.list_id)
            if rows is None and kept.list_id in known:
                kept, rows = await self._differing(view, kept, same[kept.list_id])
            before = {row.promise.request.external_id: row for row in rows or ()}
            changed += await self._compare(view, kept, before, names)
            self._note(same.setdefault(kept.list_id, {}), kept, before, names)
        for gone in set(known) - {kept.list_id for kept in found}:
            same.pop(gone, None)
            changed += await self._close(await self._rows(known[gone].list_id))
        return changed

    async def _differing(
        self, view: CallbackListView, kept: KeptList, same: dict[str, Seen]
    ) -> tuple[KeptList, list[CallbackRow]]:
        """What of a list isn't known to be the same, and the rows of that and of what is gone."""
        shown = {one.external_id for one in kept.requests}
        differing = [one for one in kept.requests if same.get(one.external_id) != one]
        gone = same.keys() - shown
        keys = gone | {one.external_id for one in differing}
        rows = await CallbackLists(self.database).open_rows(view.list_id, keys=keys) if keys else []
        for key in gone:
            del same[key]
        return replace(kept, requests=tuple(differing)), rows

    def _note(
        self,
        same: dict[str, Seen],
        kept: KeptList,
        before: dict[str, CallbackRow],
        names: dict[str, AgentId],
    ) -> None:
        """Remember which requests were the same in the record; others are looked at again."""
        for one in kept.requests:
            row = before.get(one.external_id)
            if row is not None and _alike(row, _named(one, names), self.clock()):
                same[one.external_id] = one
            else:
                same.pop(one.external_id, None)

    async def _compare(
        self,
        view: CallbackListView,
        kept: KeptList,
        before: dict[str, CallbackRow],
        names: dict[str, AgentId],
    ) -> int:
        fresh = [one for one in kept.requests if one.external_id not in before and one.numbers]
        booked = await self._book(view, fresh)
        changed = len(booked)
        now = self.clock()
        for one in kept.requests:
            seen = _named(one, names)
            row = before.get(one.external_id)
            if row is None and seen.holder is not None and one.external_id in booked:
                await self._tell(booked[one.external_id], 0, seen)
            elif row is not None and not _alike(row, seen, now):
                changed += await self._tell(row.callback_id, row.promise.version, seen)
        there = {one.external_id for one in kept.requests}
        gone = [row for key, row in before.items() if key not in there]
        return changed + await self._close(gone)

    async def _close(self, rows: Sequence[CallbackRow]) -> int:
        gone = [
            await self._tell(
                row.callback_id,
                row.promise.version,
                Seen(external_id=row.promise.request.external_id, open=False),
            )
            for row in rows
        ]
        return sum(gone)

    async def _tell(self, callback: CallbackId, version: int, seen: Seen) -> bool:
        """Hand it to the callback's workflow; one that is busy hears it at the next comparison."""
        digest = hashlib.blake2b(seen.model_dump_json().encode(), digest_size=8).hexdigest()
        order = MirrorCallback(request_id=f"mirror/{version}/{digest}", version=version, seen=seen)
        try:
            answer = await self.desk.order(callback, order)
        except (OrderRefused, NobodyAnswers) as error:
            log.warning("callback_not_mirrored", callback=callback, why=str(error)[:200])
            return False
        if answer.version != version:
            log.info("callback_mirrored", callback=callback, phase=answer.phase, by="switch")
        return answer.version != version

    async def _book(self, view: CallbackListView, fresh: Sequence[Seen]) -> dict[str, CallbackId]:
        now = self.clock()
        bookings = [
            Booking(
                request=CallbackRequest(
                    callback_id=_callback_id(view.switch_id or "", one.external_id),
                    list_id=view.list_id,
                    numbers=one.numbers,
                    first_name=one.first_name,
                    last_name=one.last_name,
                    company=one.company,
                    description=one.description,
                    due_on=one.due_on or now.date(),
                    period=one.period or view.period(),
                    zone=zone_of(one.numbers),
                    switch_id=SwitchId(view.switch_id) if view.switch_id else None,
                    queue=view.queue,
                    external_id=one.external_id,
                ),
                source=CallbackSource.switch,
                source_key=one.external_id,
            )
            for one in fresh
        ]
        booked = await PostgresCallbacks(self.database).book_all(bookings, now=now)
        return {
            b.source_key: callback
            for b, (callback, new) in zip(bookings, booked, strict=True)
            if new
        }

    async def _add(self, switch: SwitchId, kept: KeptList) -> CallbackListView:
        lists, now = CallbackLists(self.database), self.clock()
        key = CallbackListId(f"{switch}-{kept.list_id}"[:200])
        names = {one.name for one in await lists.all(now=now)}
        view = CallbackListView(
            list_id=key,
            name=kept.name if kept.name not in names else f"{kept.name} ({switch})",
            queue=kept.queue,
            campaign_id=None,
            switch_id=switch,
            external_id=kept.list_id,
            rules=MIRRORED,
            periods=_one_default(kept),
        )
        await lists.create(view, now=now)
        return view

    async def _known(self, switch: SwitchId) -> list[CallbackListView]:
        views = await CallbackLists(self.database).all(now=self.clock())
        return [one for one in views if one.switch_id == switch and one.external_id]

    async def _rows(self, list_id: CallbackListId) -> list[CallbackRow]:
        return await CallbackLists(self.database).open_rows(list_id)

    async def _address(self, switch: SwitchId, agent: AgentId) -> str:
        for one in await LinkStore(self.database).agents(switch):
            if one.agent_id == agent:
                return one.address
        raise SwitchRefused(f"agent {agent} is none of switch {switch}'s, which keeps that list")

    async def _keeper(self, switch: SwitchId) -> KeepsCallbacks:
        try:
            opened = await self.switches.get(switch)
        except OffhookError as error:
            raise NotConfigured(str(error), code=error.code) from error
        if opened.callbacks is None:
            raise NotConfigured(
                f"switch {opened.config.name} keeps no callback lists of its own",
                code="not_offered_by_switch",
            )
        return opened.callbacks


def _named(seen: Seen, names: dict[str, AgentId]) -> Seen:
    """What the PBX shows, with the agent as offhook calls him."""
    if not seen.holder:
        return seen.model_copy(update={"holder": None})
    return seen.model_copy(update={"holder": names.get(seen.holder, AgentId(f"?{seen.holder}"))})


def _alike(row: CallbackRow, seen: Seen, now: datetime) -> bool:
    return reflect(row.promise, seen, now) is row.promise


async def _find(keeper: KeepsCallbacks, external_id: str) -> Seen | None:
    requests = (one for kept in await keeper.lists(anew=False) for one in kept.requests)
    return next((one for one in requests if one.external_id == external_id), None)


async def _take(
    keeper: KeepsCallbacks, order: DriveCallback, seen: Seen | None, address: str
) -> None:
    callback = order.promise.request.callback_id
    if seen is None:
        raise CallbackNotInPhase(callback, order.move, "closed")
    if seen.holder not in (None, address):
        raise CallbackTaken(callback, seen.holder or "", None)
    if seen.holder is None:
        await keeper.take(order.promise.request.external_id, agent=address)


async def _give_up(keeper: KeepsCallbacks, order: DriveCallback, address: str) -> None:
    external = order.promise.request.external_id
    if order.move in (Move.release, Move.lose):
        await keeper.release(external, agent=address)
        return
    due = None
    if order.due_on is not None or order.period is not None:
        request = order.promise.request
        due = (order.due_on or request.due_on, order.period or request.period)
    status = order.status or TicketStatus.callback
    await keeper.ticket(external, status, agent=address, comment=order.comment, due=due)


def _callback_id(switch: str, external: str) -> CallbackId:
    """The same for the same request, so that it is booked once, whoever comes first."""
    digest = hashlib.blake2b(f"{switch}/{external}".encode(), digest_size=8).hexdigest()
    return CallbackId(f"cb-{digest}")


def zone_of(numbers: Sequence[str]) -> str:
    """Where the first number that says so is."""
    for number in numbers:
        try:
            zones = zones_of(number)
        except InvalidNumber:
            continue
        if zones:
            return zones[0]
    return DEFAULT_ZONE


def _one_default(kept: KeptList) -> tuple[Period, ...]:
    """The periods with one default, the first where none or several are."""
    if sum(period.default for period in kept.periods) == 1:
        return kept.periods
    return tuple(
        period.model_copy(update={"default": index == 0})
        for index, period in enumerate(kept.periods)
    )
