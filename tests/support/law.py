"""The law once more, for tests: written from the sources' figures, not from the product's.

Nothing of `dialer` is imported here. `Ledger` keeps what was really placed and what came of it, and
says of a call which rules it breaks. Where the product errs on the side of not calling, this is no
stricter than the law's text, save that a person without a name of his own is his number.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
HOLIDAYS_FR = {
    *(date(2024, month, day) for month, day in ((1, 1), (4, 1), (5, 1), (5, 8), (5, 9), (5, 20))),
    *(date(2024, month, day) for month, day in ((7, 14), (8, 15), (11, 1), (11, 11), (12, 25))),
}
"""France, 2024, Easter Monday, Ascension and Whit Monday included."""
SHOWN_IN_FRANCE = (
    *("+33162", "+33163", "+33270", "+33271", "+33377", "+33378"),
    *("+33424", "+33425", "+33568", "+33569", "+33948", "+33949"),
)
COUNTRY = {"+44": "uk", "+39": "it", "+33": "fr", "+49": "de", "+1": "us"}
STRICTER_STATES = {"+1305": "fl", "+1206": "wa"}


@dataclass(kw_only=True)
class Party:
    """Somebody who may be called, as the list knows him."""

    person: str
    numbers: tuple[str, ...]
    zones: tuple[str, ...]
    debt: str
    consent: bool


@dataclass(kw_only=True)
class House:
    """What a campaign keeps: countries' law by profile, and rules of its own."""

    profiles: frozenset[str]
    """Of uk, it, fr, de, us, us-reg-f; empty is no law but the do-not-call lists."""
    most_in_90_s: int = 0
    """Calls to a number within 90 seconds; 0 is no such rule."""
    machine_rest: timedelta = timedelta(0)
    """No call to a number for so long after a machine answered there."""
    lunch: bool = False
    """No calls from half past twelve to one, where the person is."""
    ring: timedelta = timedelta(0)
    """A phone rings at least so long."""
    no_sunday: bool = False
    """Contacts are called on weekdays and Saturdays only, as the campaign wants it."""

    @property
    def asks(self) -> bool:
        """Whether there is any law."""
        rules = self.most_in_90_s or self.machine_rest or self.lunch or self.ring
        return bool(self.profiles or rules)


@dataclass(kw_only=True)
class Made:
    """A call that was placed."""

    number: str
    person: str
    debt: str
    at: datetime
    ended_at: datetime | None = None
    outcome: str = ""
    talked: bool = False
    refused: bool = False


@dataclass(kw_only=True)
class Listing:
    """An entry of a do-not-call list."""

    begins: str
    whole: bool
    """Of one number, not of all that begin so."""
    campaign: str = ""
    until: datetime | None = None


@dataclass
class Ledger:
    """Every call of every campaign, and every do-not-call entry."""

    calls: dict[str, Made] = field(default_factory=dict)
    listed: list[Listing] = field(default_factory=list)

    def broken(
        self,
        who: Party,
        number: str,
        house: House,
        *,
        campaign: str,
        now: datetime,
        reserved: bool,
        shown: str,
    ) -> list[str]:
        """The rules that a call to `number` at this moment would break."""
        found = [*self._listed(number, campaign, now)]
        clocks = [now.astimezone(ZoneInfo(zone)) for zone in who.zones]
        if house.no_sunday and any(clock.weekday() == 6 for clock in clocks):
            found.append("campaign: sunday")
        if not house.asks:
            return found
        found += self._house(number, house, clocks, now)
        busy = (one for one in self.calls.values() if one.number == number and not one.ended_at)
        if any(one.at > now - 12 * HOUR for one in busy):  # by the clock, which may have been set
            found.append("two calls to a number at once")
        if not house.profiles:
            return found
        country = next((name for code, name in COUNTRY.items() if number.startswith(code)), "")
        if country not in house.profiles and not (country == "us" and "us-reg-f" in house.profiles):
            found.append("no profile covers the number")
        match country:
            case "uk":
                found += self._uk(number, now, reserved=reserved, shown=shown)
            case "it":
                found += self._it(number, now, reserved=reserved)
            case "fr":
                found += self._fr(who, number, clocks, now, shown)
            case "de":
                found += self._de(who, number, now)
            case "us":
                found += self._us(who, number, clocks, now, house, shown)
        return found

    def _listed(self, number: str, campaign: str, now: datetime) -> list[str]:
        return [
            "do not call"
            for one in self.listed
            if (number == one.begins if one.whole else number.startswith(one.begins))
            and one.campaign in ("", campaign)
            and (one.until is None or now < one.until)
        ]

    def _house(self, number: str, house: House, clocks: list[datetime], now: datetime) -> list[str]:
        found = []
        if house.lunch and any((12, 30) <= (one.hour, one.minute) < (13, 0) for one in clocks):
            found.append("house: lunch")
        recent = self._count(now - timedelta(seconds=90), number=number)
        if house.most_in_90_s and recent >= house.most_in_90_s:
            found.append("house: calls in 90 s")
        if house.machine_rest and self._ended("machine", now - house.machine_rest, number):
            found.append("house: machine")
        return found

    def _uk(self, number: str, now: datetime, *, reserved: bool, shown: str) -> list[str]:
        found = [] if shown else ["uk: caller id"]
        if not reserved and self._ended("abandoned", now - 72 * HOUR, number):
            found.append("uk: 72 hours after an abandoned call")
        if not reserved and self._ended("machine", now - 24 * HOUR, number):
            found.append("uk: 24 hours after a machine")
        return found

    def _it(self, number: str, now: datetime, *, reserved: bool) -> list[str]:
        found = []
        if self._ended("abandoned", now - 5 * DAY, number):
            found.append("it: five days after an abandoned call")
        if not reserved and self._ended("abandoned", now - 365 * DAY, number):
            found.append("it: an agent after an abandoned call")
        return found

    def _fr(
        self, who: Party, number: str, clocks: list[datetime], now: datetime, shown: str
    ) -> list[str]:
        found = []
        for clock in clocks:
            if clock.weekday() >= 5 or clock.date() in HOLIDAYS_FR:
                found.append("fr: day")
            if not (10 <= clock.hour < 13 or 14 <= clock.hour < 20):
                found.append("fr: hours")
        if self._count_of(who, number, now - 30 * DAY) >= 4:
            found.append("fr: four in 30 days")
        refused = (one for one in self._of(who, number) if one.refused)
        if any((one.ended_at or one.at) > now - 60 * DAY for one in refused):
            found.append("fr: 60 days after a refusal")
        if not shown.startswith(SHOWN_IN_FRANCE):
            found.append("fr: caller id")
        return found

    def _de(self, who: Party, number: str, now: datetime) -> list[str]:
        found = [] if who.consent else ["de: consent"]
        if self._count_of(who, number, now - DAY) >= 3:
            found.append("de: three in a day")
        return found

    def _us(
        self,
        who: Party,
        number: str,
        clocks: list[datetime],
        now: datetime,
        house: House,
        shown: str,
    ) -> list[str]:
        found = []
        state = next((s for code, s in STRICTER_STATES.items() if number.startswith(code)), "")
        if "us" not in house.profiles:
            state = ""
        elif not shown:
            found.append("us: caller id")
        if any(not 8 <= one.hour < (20 if state else 21) for one in clocks):
            found.append(f"us {state}: hours")
        if state == "fl" and self._count_of(who, number, now - DAY) >= 3:
            found.append("us fl: three in a day")
        if "us-reg-f" in house.profiles:
            about = [one for one in self.calls.values() if one.debt == who.debt]
            if sum(one.at > now - 7 * DAY for one in about) >= 7:
                found.append("reg f: seven in seven days")
            talks = (one for one in about if one.talked)
            if any((one.ended_at or one.at) > now - 7 * DAY for one in talks):
                found.append("reg f: seven days after a talk")
        return found

    def _of(self, who: Party, number: str) -> list[Made]:
        return [
            one for one in self.calls.values() if number == one.number or who.person == one.person
        ]

    def _count_of(self, who: Party, number: str, since: datetime) -> int:
        """The larger of the calls to the person and to the number."""
        named = [one for one in self.calls.values() if one.person == who.person]
        return max(sum(one.at > since for one in named), self._count(since, number=number))

    def _count(self, since: datetime, *, number: str) -> int:
        return sum(one.at > since for one in self.calls.values() if one.number == number)

    def _ended(self, outcome: str, since: datetime, number: str) -> bool:
        return any(
            one.number == number
            and one.outcome == outcome
            and one.ended_at is not None
            and one.ended_at.astimezone(UTC) > since
            for one in self.calls.values()
        )


def least_ring(house: House) -> timedelta:
    """How long a phone must ring before the call may be taken back."""
    lawful = {"uk", "us"} & house.profiles
    return max(house.ring, timedelta(seconds=15) if lawful else timedelta(0))
