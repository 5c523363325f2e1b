"""Refusals: what a person asked for that can't be done now, and what to do instead.

Rejected
├── CampaignNotInPhase       the order makes no sense in the campaign's present phase
├── CampaignEnding           the campaign is being stopped
├── SwitchIsFixed            a campaign can't move to another switch
├── ModeNotPossible          the switch can't dial in this mode
├── MediaNotPossible         the switch can't do with sound what the campaign wants
└── CampaignUnknown          no such campaign

A refusal is an answer, not a failure: asking again with the same words gives the same one. The
`code` never changes; it is what callers of the API and of the commands compare.
"""

from collections.abc import Iterable
from typing import ClassVar

from dialer.media import AmdAction, RecordingPolicy
from dialer.model import CampaignId, CampaignPhase, CampaignSettings, Mode, SwitchId
from dialer.switching import MODES, Capabilities, Way

_ORDER_OF_MODES = tuple(Mode)


class Rejected(Exception):
    """A request that is refused for a business reason; `code` is stable."""

    code: ClassVar[str] = "rejected"


class CampaignNotInPhase(Rejected):
    """The order makes no sense in the campaign's present phase."""

    code = "campaign_not_in_phase"

    def __init__(
        self, order: str, phase: CampaignPhase, *, wanted: Iterable[CampaignPhase]
    ) -> None:
        phases = " or ".join(sorted(wanted))
        super().__init__(f"a campaign that is {phase} can't {order}; it must be {phases}")


class CampaignEnding(Rejected):
    """The campaign is being stopped, which is not taken back."""

    code = "campaign_ending"

    def __init__(self, order: str) -> None:
        super().__init__(
            f"the campaign is being stopped and can't {order}; start it again once it has ended"
        )


class SwitchIsFixed(Rejected):
    """A campaign can't move to another switch."""

    code = "switch_is_fixed"

    def __init__(self, present: SwitchId, wanted: SwitchId) -> None:
        super().__init__(
            f"the campaign dials through {present} and can't move to {wanted}; "
            "create another campaign with the same list"
        )


class ModeNotPossible(Rejected):
    """The switch can't dial in this mode."""

    code = "mode_not_possible"

    def __init__(self, mode: Mode, switch: SwitchId, way: Way) -> None:
        able = ", ".join(mode for mode in _ORDER_OF_MODES if mode in MODES[way])
        super().__init__(
            f"mode {mode} is not possible on switch {switch}: {_WHY[way]}; it can do {able}"
        )


class MediaNotPossible(Rejected):
    """The switch can't do with sound what the campaign wants."""

    code = "media_not_possible"

    def __init__(self, switch: SwitchId, wish: str, why: str) -> None:
        super().__init__(f"{wish} is not possible on switch {switch}: {why}")


class CampaignUnknown(Rejected):
    """No such campaign."""

    code = "campaign_unknown"

    def __init__(self, campaign: CampaignId | str) -> None:
        super().__init__(
            f"there is no campaign {campaign}; `offhook campaign list` shows those there are"
        )


_WHY: dict[Way, str] = {
    Way.customer_first: "it dials the customer first",
    Way.agent_first: "every call starts at the agent's own device, so none can be placed ahead of "
    "a free agent",
    Way.queue_first: "the switch itself picks a free agent of a queue before it dials",
}


def require_mode(mode: Mode, *, switch: SwitchId, way: Way) -> None:
    """Raise `ModeNotPossible` unless a switch that works this way can dial in this mode."""
    if mode not in MODES[way]:
        raise ModeNotPossible(mode, switch, way)


def require_media(settings: CampaignSettings, capabilities: Capabilities) -> None:
    """Raise `MediaNotPossible` unless the switch can listen, play and record as wanted."""
    amd, switch = settings.amd, settings.switch
    if amd.enabled and not capabilities.detects_machines:
        raise MediaNotPossible(
            switch,
            "answering-machine detection",
            "it can't tell people from machines, or isn't set up to "
            "(docs/how-to/answering-machines.md); set amd.enabled to false",
        )
    if amd.enabled and AmdAction.message in amd.actions() and not capabilities.plays_message:
        raise MediaNotPossible(
            switch, "a message after the beep", "it plays no messages; let amd drop or connect"
        )
    never = settings.recording.policy is RecordingPolicy.never
    if not never and not capabilities.records_calls:
        raise MediaNotPossible(
            switch, "recording", "it doesn't record by command; set recording.policy to never"
        )
