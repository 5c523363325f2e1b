"""What the simulated xuc does about history, directory, memberships and conference rooms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from offhook.simulator.history import EndedCall
from offhook.simulator.model import EntityKind, Result
from offhook.simulator.xivo import Connection, XivoFace
from offhook.switches.xivo import wire
from offhook.switches.xivo import wire_commands as cmd
from offhook.switches.xivo import wire_office as office

Does = Callable[[XivoFace, Connection, Any], None]
_DIRECTORY = ("Firstname", "Lastname", "Number", "Mobile", "Favorite")
_SOURCE = "internal"


def tell_rooms(face: XivoFace, who: Connection) -> None:
    """Tell the conference rooms, now and whenever somebody comes or goes."""
    who.topics.add("rooms")
    face.tell(who, face.rooms.listing())


def _history(
    face: XivoFace, who: Connection, asked: cmd.GetUserCallHistory | cmd.GetAgentCallHistory
) -> None:
    users = (user for user in face.config.users if user.extension == who.user.extension)
    mine = next((user.id for user in users), "")
    ended = [
        call
        for call in reversed(face.pbx.history)
        if mine in [entity.id for entity in call.people() if entity.kind is EntityKind.user]
    ]
    face.tell(who, office.CallHistory(calls=tuple(map(_past, ended[: asked.size]))))


def _queue_history(face: XivoFace, who: Connection, asked: cmd.GetQueueCallHistory) -> None:
    named = {
        queue.id
        for queue in face.acd.queues.values()
        if asked.queue in queue.name and face.sees_queue(who.user, queue.id)
    }
    ended = [call for call in reversed(face.telephones.past) if call.queue_id in named]
    calls = (
        office.HistoryCall(
            start=_when(call.started_at),
            duration=_long(call.talk_s),
            source_number=call.caller_number,
            destination_number=call.destination,
            status=call.status,
        )
        for call in ended[: asked.size]
    )
    face.tell(who, office.CallHistory(calls=tuple(calls)))


def _when(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _long(seconds: float) -> str:
    return str(timedelta(seconds=int(seconds))).rjust(8, "0")


def _past(call: EndedCall) -> office.HistoryCall:
    answered = call.result is Result.ok and call.talk_s > 0
    return office.HistoryCall(
        start=_when(call.started_at),
        duration=_long(call.talk_s),
        source_number=call.calling_number,
        destination_number=call.called_number,
        status="answered" if answered else "missed",
    )


def _row(face: XivoFace, who: Connection, user_id: str) -> office.DirectoryEntry:
    user = next(user for user in face.config.users if user.id == user_id)
    favorite, mobile = user_id in who.user.favorites, face.config.mobiles.get(user_id, "")
    return office.DirectoryEntry(
        status=2 if face.pbx.users[user_id].legs else 0,
        entry=(user.name, user.surname, user.extension, mobile, favorite),
        contact_id=user_id,
        source=_SOURCE,
        favorite=favorite,
    )


def _look_up(face: XivoFace, who: Connection, asked: cmd.DirectoryLookUp) -> None:
    term = asked.term.lower()
    found = [
        _row(face, who, user.id)
        for user in face.config.users
        if term in f"{user.name} {user.surname} {user.extension}".lower()
    ]
    face.tell(who, office.DirectoryResult(entries=tuple(found), headers=_DIRECTORY))


def _favorites(face: XivoFace, who: Connection, asked: cmd.GetFavorites) -> None:
    rows = tuple(_row(face, who, user_id) for user_id in who.user.favorites)
    face.tell(who, office.Favorites(entries=rows, headers=_DIRECTORY))


def _favorite(face: XivoFace, who: Connection, asked: cmd.AddFavorite | cmd.RemoveFavorite) -> None:
    add = isinstance(asked, cmd.AddFavorite)
    known = asked.source == _SOURCE and asked.contact_id in face.pbx.users
    done = "Added" if add else "Removed"
    if known and add:
        who.user.favorites[asked.contact_id] = asked.source
    elif who.user.favorites.pop(asked.contact_id, None) is None:
        done = "AddFail" if add else "RemoveFail"
    told = office.FavoriteUpdated(action=done, contact_id=asked.contact_id, source=asked.source)
    face.tell(who, told)


def _membership(face: XivoFace, who: Connection, asked: cmd.GetUserDefaultMembership) -> None:
    rows = face.acd.defaults.get(asked.user_id, ())
    membership = tuple(cmd.QueueMembership(queue_id=queue, penalty=p) for queue, p in rows)
    told = office.UserQueueDefaultMembership(user_id=asked.user_id, membership=membership)
    face.tell(who, told)


def _set_membership(
    face: XivoFace,
    who: Connection,
    asked: cmd.SetUserDefaultMembership | cmd.SetUsersDefaultMembership,
) -> None:
    one = isinstance(asked, cmd.SetUserDefaultMembership)
    users = (asked.user_id,) if isinstance(asked, cmd.SetUserDefaultMembership) else asked.user_ids
    for user_id in users:
        face.acd.defaults[user_id] = tuple((row.queue_id, row.penalty) for row in asked.membership)
    told: wire.Event = office.UsersQueueDefaultMembership(
        user_ids=users, membership=asked.membership
    )
    if one:
        told = office.UserQueueDefaultMembership(user_id=users[0], membership=asked.membership)
    face.tell(who, told)


def _apply_membership(
    face: XivoFace, who: Connection, asked: cmd.ApplyUsersDefaultMembership
) -> None:
    for user_id in asked.user_ids:
        face.acd.apply_defaults(user_id)


OFFICE: dict[type[wire.Command], Does] = {
    cmd.GetUserCallHistory: _history,
    cmd.GetAgentCallHistory: _history,
    cmd.GetQueueCallHistory: _queue_history,
    cmd.DirectoryLookUp: _look_up,
    cmd.GetFavorites: _favorites,
    cmd.AddFavorite: _favorite,
    cmd.RemoveFavorite: _favorite,
    cmd.GetUserDefaultMembership: _membership,
    cmd.SetUserDefaultMembership: _set_membership,
    cmd.SetUsersDefaultMembership: _set_membership,
    cmd.ApplyUsersDefaultMembership: _apply_membership,
}
