"""Search attributes of our workflows: typed constants, and the one list that registration reads.

They help a person who looks in Temporal's own UI. offhook itself lists from PostgreSQL.
"""

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

CAMPAIGN_ID = SearchAttributeKey.for_keyword("CampaignId")
SWITCH_NAME = SearchAttributeKey.for_keyword("SwitchName")

ALL: tuple[SearchAttributeKey[str], ...] = (CAMPAIGN_ID, SWITCH_NAME)
"""Everything that must be registered in the namespace."""


def of_campaign(campaign_id: str, switch: str) -> TypedSearchAttributes:
    """What a campaign's workflow is started with."""
    return TypedSearchAttributes(
        [SearchAttributePair(CAMPAIGN_ID, campaign_id), SearchAttributePair(SWITCH_NAME, switch)]
    )


def of_import(campaign_id: str) -> TypedSearchAttributes:
    """What an import's workflow is started with."""
    return TypedSearchAttributes([SearchAttributePair(CAMPAIGN_ID, campaign_id)])
