"""How a campaign dials its lists, and what it may have enough of.

A contact is in one list and a list is one campaign's, because how far a contact is belongs to both.
A list without a row here is dialed as one that was just made: active, with a weight of 1.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Integer,
    SmallInteger,
    Table,
    Text,
    text,
)

from dialer.lists import ListOrder
from offhook.storage.tables import metadata

_ORDERS = ", ".join(f"'{order}'" for order in ListOrder)

campaign_lists = Table(
    "campaign_lists",
    metadata,
    Column("list_id", BigInteger, ForeignKey("lists.id", ondelete="CASCADE"), primary_key=True),
    Column("weight", SmallInteger, nullable=False, server_default=text("1")),
    Column("priority", SmallInteger, nullable=False, server_default=text("0")),
    Column("sorted_by", Text, nullable=False, server_default=text(f"'{ListOrder.due}'")),
    Column("attribute", Text, nullable=False, server_default=text("''")),
    Column("filter", Text, nullable=False, server_default=text("''")),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("reset_at", DateTime(timezone=True), nullable=True),
    CheckConstraint("weight BETWEEN 1 AND 1000", name="weight"),
    CheckConstraint(f"sorted_by IN ({_ORDERS})", name="sorted_by"),
)
"""`attribute` is what contacts are sorted by where they are sorted by an attribute."""

previews = Table(
    "previews",
    metadata,
    Column("campaign_id", Text, ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True),
    Column("agent_id", Text, primary_key=True),
    Column("contact_id", BigInteger, nullable=True),
    Column("offered_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=True),
    Column("skips_left", Integer, nullable=True),
)
"""Which contact an agent reads now; none once the offer has ended."""

campaign_quotas = Table(
    "campaign_quotas",
    metadata,
    Column("campaign_id", Text, ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("disposition", Text, nullable=False),
    Column("most", Integer, nullable=False),
    Column("filter", Text, nullable=False, server_default=text("''")),
    Column("full_at", DateTime(timezone=True), nullable=True),
    CheckConstraint("most >= 0", name="most"),
)
"""Once `most` contacts that fit the filter have the disposition, no other that fits is dialed."""
