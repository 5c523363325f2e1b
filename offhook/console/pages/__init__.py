"""Pages: what each follows, shows and does. Importing this registers them all."""

from offhook.console.pages import campaign, campaigns, floor, home

__all__ = ["campaign", "campaigns", "floor", "home"]
