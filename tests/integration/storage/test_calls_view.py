"""Every call on a switch in one shape."""

from sqlalchemy import insert, text

from offhook.storage import tables
from tests.support.builders import NOW, TRUNK, Rows


async def test_calls_view_shows_customers_and_parked_agents(rows: Rows) -> None:
    agents = await rows.agents("anna")
    campaign = await rows.campaign(agents=agents)
    contact = await rows.contact(campaign)
    async with rows.database.transaction() as session:
        await session.execute(
            insert(tables.attempts).values(
                id="c1-1-1",
                campaign_id=campaign,
                shard=0,
                epoch=1,
                contact_id=int(contact),
                number="+39055000001",
                trunk_id=TRUNK,
                state="ringing",
                opened_at=NOW,
                call_id="77",
            )
        )
        await session.execute(
            insert(tables.agent_activity).values(
                campaign_id=campaign,
                agent_id=agents[0],
                state="parked",
                since=NOW,
                park_correlator="c1-1-p1",
                park_call_id="78",
            )
        )
        found = await session.execute(
            text("SELECT correlator, kind, call_id, state FROM calls ORDER BY correlator")
        )
        assert [tuple(row) for row in found] == [
            ("c1-1-1", "customer", "77", "ringing"),
            ("c1-1-p1", "agent", "78", "parked"),
        ]
