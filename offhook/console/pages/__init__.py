"""Pages: what each follows, shows and does. Importing this registers them all."""

from offhook.console.pages import (
    callbacks,
    campaign,
    campaign_more,
    campaigns,
    contacts,
    desk,
    floor,
    home,
    launch,
    new_campaign,
)

__all__ = [
    "callbacks",
    "campaign",
    "campaign_more",
    "campaigns",
    "contacts",
    "desk",
    "floor",
    "home",
    "launch",
    "new_campaign",
]
