"""Pages: what each follows, shows and does. Importing this registers them all."""

from offhook.console.pages import (
    audit,
    callbacks,
    campaign,
    campaign_more,
    campaigns,
    contacts,
    desk,
    floor,
    home,
    import_more,
    ivr,
    launch,
    new_campaign,
    people,
    schedules,
    switches,
)

__all__ = [
    "audit",
    "callbacks",
    "campaign",
    "campaign_more",
    "campaigns",
    "contacts",
    "desk",
    "floor",
    "home",
    "import_more",
    "ivr",
    "launch",
    "new_campaign",
    "people",
    "schedules",
    "switches",
]
