"""The jurisdiction profiles that come with offhook, as data.

None of this is legal advice. Every number names its source and how well it is known; a lawyer must
check a profile before a campaign relies on it.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from dialer.compliance.facts import Counted
from dialer.compliance.rules import (
    AbandonmentRule,
    CallerIdRule,
    CapRule,
    ConsentRule,
    Evidence,
    HolidayRule,
    HoursRule,
    Key,
    LockoutRule,
    PatienceRule,
    Profile,
    RecordsRule,
    RingRule,
    Source,
)
from dialer.windows import CallingHours

US = ("US", "PR", "VI", "GU", "AS", "MP")
FRANCE = ("FR", "GP", "MQ", "GF", "RE", "YT", "PM", "BL", "MF")

_TSR = Source(text="FTC Telemarketing Sales Rule, 16 CFR 310.4(b)-(c)")
_TSR_RECORDS = Source(text="FTC Telemarketing Sales Rule, 16 CFR 310.5, as amended by 89 FR 26760")
_FCC = Source(text="FCC, 47 CFR 64.1200(a)(7)")
_FCC_HOURS = Source(text="FCC, 47 CFR 64.1200(c)(1)", evidence=Evidence.unverified)
_FLORIDA = Source(text="Florida Telephone Solicitation Act, s. 501.059 and 501.616 F.S.")
_OKLAHOMA = Source(text="Oklahoma Telephone Solicitation Act, in force since 2022-11-01")
_WASHINGTON = Source(text="Washington RCW 80.36.390, as amended with effect of 2022-06-09")
_REG_F = Source(text="CFPB Regulation F, 12 CFR 1006.14(b)(2)")
_REG_F_TIME = Source(text="CFPB Regulation F, 12 CFR 1006.6(b)(1): inconvenient times")
_OFCOM = Source(text="Ofcom, statement on persistent misuse, 2008 as revised in 2010")
_OFCOM_2016 = Source(text="Ofcom, statement on persistent misuse of 2016-12-20")
_GARANTE = Source(text="Garante, provvedimento 20 febbraio 2014 n. 83 (GU 79 of 2014-04-04)")
_DECREE = Source(text="Décret 2022-1313 of 2022-10-13")
_OPT_IN_FR = Source(text="Loi of 2025-06-30, in force from 2026-08-11")
_ARCEP = Source(text="ARCEP numbering plan: automated calling platforms")
_UWG = Source(text="UWG § 7: calls to consumers need prior express consent")
_OURS = Source(text="no figure in the law; offhook's own choice", evidence=Evidence.assumed)

_WHOLE_DAY_HOURS = CallingHours.parse("daily 08:00-21:00")
_TO_EIGHT = CallingHours.parse("daily 08:00-20:00")
_MONTH = timedelta(days=30)
_TWO_SECONDS = timedelta(seconds=2)
_RING = timedelta(seconds=15)
_FIVE_YEARS = timedelta(days=5 * 366)

_ALL = (
    Profile(
        name="none",
        title="No law but the do-not-call lists",
        notes=("Covers every number; for tests, and for calls that no rule here is about.",),
    ),
    Profile(
        name="us",
        title="United States: FTC, FCC and the states whose rules are stricter",
        regions=US,
        includes=("us-tsr", "us-fcc", "us-fl", "us-ok", "us-wa"),
        notes=("Maryland, Georgia and others have variants that are not in here.",),
    ),
    Profile(
        name="us-tsr",
        title="United States: FTC Telemarketing Sales Rule",
        regions=US,
        rules=(
            HoursRule(id="hours", source=_TSR, hours=_WHOLE_DAY_HOURS),
            RingRule(id="ring", source=_TSR, least=_RING),
            PatienceRule(id="patience", source=_TSR, most=_TWO_SECONDS),
            AbandonmentRule(id="abandonment", source=_TSR, cap=0.03, window=_MONTH),
            RecordsRule(id="records", source=_TSR_RECORDS, keep=_FIVE_YEARS),
            CallerIdRule(id="caller-id", source=_TSR),
        ),
        notes=(
            "The two seconds run from the end of the person's greeting, which a switch can't tell; "
            "here they run from the answer, which is stricter.",
            "The National Do Not Call Registry must be imported with `offhook dnc import`, afresh "
            "at least every 31 days (unverified).",
            "A sales message without an agent needs prior written agreement.",
        ),
    ),
    Profile(
        name="us-fcc",
        title="United States: FCC rules under the TCPA",
        regions=US,
        rules=(
            HoursRule(id="hours", source=_FCC_HOURS, hours=_WHOLE_DAY_HOURS),
            RingRule(id="ring", source=_FCC, least=_RING),
            PatienceRule(id="patience", source=_FCC, most=_TWO_SECONDS),
            AbandonmentRule(id="abandonment", source=_FCC, cap=0.03, window=_MONTH),
        ),
        notes=(
            "The message must offer an automated opt-out (unverified).",
            "A revoked consent is honoured within 10 business days (unverified); an entry in the "
            "do-not-call list counts at once.",
        ),
    ),
    Profile(
        name="us-fl",
        title="Florida",
        regions=("US",),
        areas=("FL",),
        rules=(
            HoursRule(id="hours", source=_FLORIDA, hours=_TO_EIGHT),
            CapRule(
                id="attempts", source=_FLORIDA, per=Key.person, most=3, within=timedelta(hours=24)
            ),
        ),
        notes=("The area code's state is presumed to be the person's.",),
    ),
    Profile(
        name="us-ok",
        title="Oklahoma",
        regions=("US",),
        areas=("OK",),
        rules=(
            HoursRule(id="hours", source=_OKLAHOMA, hours=_TO_EIGHT),
            CapRule(
                id="attempts", source=_OKLAHOMA, per=Key.person, most=3, within=timedelta(hours=24)
            ),
        ),
        notes=("The area code's state is presumed to be the person's.",),
    ),
    Profile(
        name="us-wa",
        title="Washington State",
        regions=("US",),
        areas=("WA",),
        rules=(HoursRule(id="hours", source=_WASHINGTON, hours=_TO_EIGHT),),
    ),
    Profile(
        name="us-reg-f",
        title="United States: debt collection (CFPB Regulation F)",
        regions=US,
        rules=(
            HoursRule(id="hours", source=_REG_F_TIME, hours=_WHOLE_DAY_HOURS),
            CapRule(id="attempts", source=_REG_F, per=Key.debt, most=7, within=timedelta(days=7)),
            LockoutRule(
                id="conversation",
                source=_REG_F,
                after=Counted.talk,
                per=Key.debt,
                locked=timedelta(days=7),
            ),
        ),
        notes=(
            "The contact attribute `debt` names the debt. A contact without one is counted as a "
            "person.",
            "A call from the person does not count towards the seven, but starts the seven days; "
            "record it as a conversation.",
        ),
    ),
    Profile(
        name="uk",
        title="United Kingdom: Ofcom's policy on silent and abandoned calls",
        regions=("GB",),
        rules=(
            RingRule(id="ring", source=_OFCOM, least=_RING),
            PatienceRule(id="patience", source=_OFCOM, most=_TWO_SECONDS),
            AbandonmentRule(id="abandonment", source=_OFCOM, cap=0.03, window=timedelta(hours=24)),
            LockoutRule(
                id="abandoned",
                source=_OFCOM,
                after=Counted.abandoned,
                reserved=timedelta(hours=72),
            ),
            LockoutRule(
                id="machine", source=_OFCOM, after=Counted.machine, reserved=timedelta(hours=24)
            ),
            CallerIdRule(id="caller-id", source=_OFCOM),
        ),
        notes=(
            f"{_OFCOM_2016.text}: since 2017-03-01 no share of abandoned calls is safe; stay well "
            "under the figure.",
            "A person whom the switch took for a machine counts as abandoned; add a reasoned "
            "estimate of those to the reported figure.",
            "Ofcom's texts that could be read name no calling hours: set the campaign's own.",
        ),
    ),
    Profile(
        name="it",
        title="Italy: Garante's measure on mute calls",
        regions=("IT",),
        rules=(
            PatienceRule(id="patience", source=_GARANTE, most=timedelta(seconds=3)),
            AbandonmentRule(
                id="abandonment", source=_GARANTE, cap=0.03, window=timedelta(hours=24)
            ),
            LockoutRule(
                id="abandoned",
                source=_GARANTE,
                after=Counted.abandoned,
                locked=timedelta(days=5),
                reserved=timedelta(days=365),
            ),
        ),
        notes=(
            "Three mute calls in every hundred answered, per campaign; the day as its window is an "
            "assumption.",
            "After the five days the person is called only with an agent kept for him; a year as "
            "the end of that is an assumption.",
            "Comfort noise instead of silence is the switch's to play.",
            "The register of oppositions must be imported with `offhook dnc import`; a block "
            "counts within 15 days there, at once here.",
            "Calling hours of the trade's code of conduct are not in here: set the campaign's own.",
        ),
    ),
    Profile(
        name="fr",
        title="France: canvassing of consumers",
        regions=FRANCE,
        rules=(
            HoursRule(
                id="hours",
                source=_DECREE,
                hours=CallingHours.parse("mon-fri 10:00-13:00,14:00-20:00"),
            ),
            HolidayRule(id="holidays", source=_DECREE, country="FR"),
            CapRule(id="attempts", source=_DECREE, per=Key.person, most=4, within=_MONTH),
            LockoutRule(
                id="refusal",
                source=_DECREE,
                after=Counted.refused,
                per=Key.person,
                locked=timedelta(days=60),
            ),
            ConsentRule(id="consent", source=_OPT_IN_FR, since=date(2026, 8, 11)),
            CallerIdRule(
                id="caller-id",
                source=_ARCEP,
                allowed=(
                    *("+33162", "+33163", "+33270", "+33271", "+33377", "+33378"),
                    *("+33424", "+33425", "+33568", "+33569", "+33948", "+33949"),
                ),
            ),
        ),
        notes=(
            "The proof of consent is the caller's to keep. Calls within a current contract need no "
            "consent: waive `fr/consent` for such a campaign, with that as the reason.",
            "That the overseas departments are covered, and France's national holidays are the "
            "ones that count, is an assumption.",
            "The decree counts calls per business: all campaigns of this installation are one.",
        ),
    ),
    Profile(
        name="de",
        title="Germany: consumers only with consent",
        regions=("DE",),
        rules=(
            ConsentRule(id="consent", source=_UWG),
            CapRule(
                id="attempts", source=_OURS, per=Key.person, most=3, within=timedelta(hours=24)
            ),
            AbandonmentRule(id="abandonment", source=_OURS, cap=0.03, window=timedelta(hours=24)),
        ),
        notes=(
            "The law has no figure for dialers; the regulator switches numbers off that annoy, so "
            "a cap and a share are chosen here.",
        ),
    ),
)

PROFILES: Mapping[str, Profile] = {profile.name: profile for profile in _ALL}
"""By name."""


class UnknownProfile(ValueError):
    """No jurisdiction profile has that name."""

    code = "unknown_profile"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"no compliance profile is named {name!r}; there are {', '.join(PROFILES)}"
        )


def profile(name: str) -> Profile:
    """The profile of that name, or `UnknownProfile`."""
    try:
        return PROFILES[name]
    except KeyError:
        raise UnknownProfile(name) from None


def with_included(names: Iterable[str]) -> tuple[Profile, ...]:
    """The named profiles and those that come with them, each once, in order."""
    found: dict[str, Profile] = {}
    for name in names:
        one = profile(name)
        found.setdefault(name, one)
        for inner in one.includes:
            found.setdefault(inner, profile(inner))
    return tuple(found.values())
