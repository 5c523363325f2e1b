"""How many calls to place: one pacer for each mode, behind `make_pacer`."""

from typing import assert_never

from dialer.events import Tally
from dialer.model import CampaignSettings, Mode
from dialer.pacing.agentless import AgentlessPacer
from dialer.pacing.base import Pacer
from dialer.pacing.power import PowerPacer
from dialer.pacing.predictive import PredictivePacer
from dialer.pacing.preview import PreviewPacer
from dialer.pacing.progressive import ProgressivePacer

__all__ = ["Pacer", "make_pacer"]


def make_pacer(settings: CampaignSettings, tally: Tally) -> Pacer:
    """Return the pacer of the campaign's mode, starting from what earlier runs counted."""
    match settings.mode:
        case Mode.preview:
            return PreviewPacer(settings)
        case Mode.progressive:
            return ProgressivePacer(settings)
        case Mode.power:
            return PowerPacer(settings, tally)
        case Mode.predictive:
            return PredictivePacer(settings, tally)
        case Mode.agentless:
            return AgentlessPacer(settings)
        case _:
            assert_never(settings.mode)
