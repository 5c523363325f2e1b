"""What the law does to a campaign's settings: numbers that it bounds take the stricter value."""

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from dialer.compliance.rules import AbandonmentRule, PatienceRule, RecordsRule, RingRule
from dialer.compliance.settings import ComplianceSettings, all_rules
from dialer.model import CampaignSettings, Mode
from dialer.rejections import Rejected

AGENTS_MAY_BE_LATE = frozenset({Mode.predictive, Mode.power, Mode.progressive, Mode.preview})


class LawNeedsMessage(Rejected):
    """The law wants a message for people nobody comes to, and the switch can't play one."""

    code = "law_needs_message"

    def __init__(self, rule: str, switch: str) -> None:
        super().__init__(
            f"{rule} wants a message for people who answer and get no agent, and switch {switch} "
            "plays none; choose a switch that does, or waive the rule with a justification"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A setting that a rule made stricter."""

    rule: str
    setting: str
    was: str
    now: str


def bound(settings: CampaignSettings) -> tuple[CampaignSettings, tuple[Bound, ...]]:
    """The settings as the law allows them, and what it changed; unchanged ones are the same."""
    if not settings.compliance.asked:
        return settings, ()
    changes: list[Bound] = []
    for name, rule in all_rules(settings.compliance):
        match rule:
            case RingRule() if settings.ring_timeout < rule.least:
                changes.append(_change(name, "ring_timeout", settings.ring_timeout, rule.least))
                settings = settings.model_copy(update={"ring_timeout": rule.least})
            case PatienceRule() if settings.patience > rule.most:
                changes.append(_change(name, "patience", settings.patience, rule.most))
                settings = settings.model_copy(update={"patience": rule.most})
            case AbandonmentRule():
                settings = _bound_pacing(name, rule, settings, changes)
            case _:
                pass
    return settings, tuple(changes)


def _bound_pacing(
    name: str, rule: AbandonmentRule, settings: CampaignSettings, changes: list[Bound]
) -> CampaignSettings:
    pacing = settings.pacing
    if pacing.target_abandonment > rule.cap:
        was = pacing.target_abandonment
        changes.append(_change(name, "pacing.target_abandonment", was, rule.cap))
        pacing = pacing.model_copy(update={"target_abandonment": rule.cap})
    window = pacing.abandonment_window
    if window is None or window > rule.window:
        changes.append(_change(name, "pacing.abandonment_window", window, rule.window))
        pacing = pacing.model_copy(update={"abandonment_window": rule.window})
    if pacing is settings.pacing:
        return settings
    return settings.model_copy(update={"pacing": pacing})


def _change(rule: str, setting: str, was: object, now: object) -> Bound:
    return Bound(rule=rule, setting=setting, was=str(was), now=str(now))


def require_message(settings: CampaignSettings, *, plays_message: bool) -> None:
    """Refuse a campaign whose law wants a message of a switch that has none."""
    if plays_message or settings.mode not in AGENTS_MAY_BE_LATE:
        return
    for name, rule in all_rules(settings.compliance):
        if isinstance(rule, PatienceRule) and rule.message:
            raise LawNeedsMessage(name, settings.switch)


@lru_cache(maxsize=64)
def least_ring(law: ComplianceSettings) -> timedelta:
    """How long the law wants a phone to ring before the call may be taken back."""
    rules = [one.rule for one in all_rules(law)]
    longest = (rule.least for rule in rules if isinstance(rule, RingRule))
    return max(longest, default=timedelta(0))


def kept_for(settings: CampaignSettings) -> timedelta | None:
    """How long the law wants the records of the campaign's calls; None if it doesn't say."""
    rules = [one.rule for one in all_rules(settings.compliance)]
    return max((rule.keep for rule in rules if isinstance(rule, RecordsRule)), default=None)


def abandonment_rules(settings: CampaignSettings) -> list[tuple[str, AbandonmentRule]]:
    """The rules about the share of abandoned calls, by name."""
    named = all_rules(settings.compliance)
    return [(name, rule) for name, rule in named if isinstance(rule, AbandonmentRule)]
