"""Finding people in all campaigns, as somebody would ask: by a number, a key, a name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import TextClause, text

from dialer.commands import ContactState
from offhook.storage.campaign_records import store_session
from offhook.storage.database import Database

MOST = 50
LAST_ID = 2**63 - 1
Way = tuple[TextClause, Mapping[str, object]]

_FOUND = """
SELECT c.id::text AS contact_id, c.campaign_id, k.name AS campaign, c.external_id, c.name, c.state,
    c.due_at, c.attempts, c.finished_reason,
    ARRAY(SELECT n.number FROM numbers n WHERE n.contact_id = c.id ORDER BY n.position) AS numbers
FROM contacts c JOIN campaigns k ON k.id = c.campaign_id
WHERE (:everywhere OR c.campaign_id = ANY(:campaigns)) AND c.id < :before AND
"""
_END = " ORDER BY c.id DESC LIMIT :most"
_BY_NUMBER = text(
    f"{_FOUND} c.id IN (SELECT contact_id FROM numbers WHERE number = :key) {_END}"  # noqa: S608
)
_BY_KEY = text(f"{_FOUND} c.external_id <> '' AND c.external_id = :key {_END}")
_BY_ID = text(f"{_FOUND} c.id = :id {_END}")
_BY_NAME = text(f"{_FOUND} c.name ILIKE :like {_END}")
_NEWEST = text(f"{_FOUND} true {_END}")


class FoundContact(BaseModel):
    """A contact that a search found."""

    model_config = ConfigDict(frozen=True)

    contact_id: str
    campaign_id: str
    campaign: str
    external_id: str
    name: str
    state: ContactState
    due_at: AwareDatetime
    attempts: int
    finished_reason: str
    numbers: tuple[str, ...]


@dataclass(frozen=True)
class ContactSearch:
    """Searches; a database that is away raises `StoreUnavailable`."""

    database: Database

    async def find(
        self,
        key: str,
        *,
        number: str = "",
        campaigns: Sequence[str] | None = None,
        most: int = MOST,
        before: str | None = None,
    ) -> list[FoundContact]:
        """Contacts by number, key of their list, id, or part of a name: the first of these ways
        that finds somebody; without a key the newest. `campaigns` is where to look, None is
        everywhere. A name is looked for in every contact there, and takes its time. They come the
        newest first; `before` is the id of one that was found, to go on behind it.
        """
        ways: list[Way] = self._ways(key, number) if key else [(_NEWEST, {})]
        asked = {
            "everywhere": campaigns is None,
            "campaigns": list(campaigns or ()),
            "most": most,
            "before": LAST_ID if before is None else int(before),
        }
        known = {**asked, "before": LAST_ID, "most": 1}
        async with store_session(self.database) as session:
            for statement, how in ways:
                rows = (await session.execute(statement, {**asked, **how})).mappings().all()
                # Behind the last of one way comes nobody whom another way would find.
                if rows or (before and (await session.execute(statement, {**known, **how})).all()):
                    return [FoundContact.model_validate(dict(row)) for row in rows]
        return []

    def _ways(self, key: str, number: str) -> list[Way]:
        ways: list[Way] = [
            (_BY_NUMBER, {"key": one}) for one in dict.fromkeys((number, key)) if one
        ]
        ways.append((_BY_KEY, {"key": key}))
        if key.isascii() and key.isdigit() and len(key) < 19:
            ways.append((_BY_ID, {"id": int(key)}))
        escaped = key.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return [*ways, (_BY_NAME, {"like": f"%{escaped}%"})]
