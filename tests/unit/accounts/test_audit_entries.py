"""What is kept of a command in the audit log."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from dialer.rejections import CampaignUnknown
from offhook.accounts.audit import HIDDEN, audited, presentable
from offhook.accounts.principal import system_principal
from offhook.change_notes import changes
from offhook.storage.account_audit import AuditEntry
from offhook.storage.account_tables import AuditResult

WHO = system_principal()


def _clock() -> datetime:
    return datetime(2026, 3, 2, 9, tzinfo=UTC)


class Kept:
    """A log in memory; one that is broken keeps nothing."""

    def __init__(self, *, broken: bool = False) -> None:
        self.entries: list[AuditEntry] = []
        self._broken = broken

    async def add(self, entry: AuditEntry) -> None:
        """Add one."""
        if self._broken:
            raise OSError("the disk is full")
        self.entries.append(entry)


async def test_a_command_is_kept_with_what_was_before_and_after() -> None:
    log = Kept()
    async with audited(log, WHO, "campaign.pause", "campaign/c1", clock=_clock) as entry:
        entry.before, entry.after = {"phase": "running"}, {"phase": "paused"}

    [kept] = log.entries
    assert (kept.action, kept.subject, kept.result) == ("campaign.pause", "campaign/c1", "done")
    assert (kept.before, kept.after) == ({"phase": "running"}, {"phase": "paused"})
    assert (kept.actor, kept.kind, kept.at) == ("offhook", "system", _clock())


async def test_a_refusal_is_kept_with_its_code_and_goes_on_its_way() -> None:
    log = Kept()
    with pytest.raises(CampaignUnknown):
        async with audited(log, WHO, "campaign.pause", clock=_clock):
            raise CampaignUnknown("c9")
    with pytest.raises(ZeroDivisionError):
        async with audited(log, WHO, "campaign.pause", clock=_clock):
            raise ZeroDivisionError

    assert [(one.result, one.code) for one in log.entries] == [
        (AuditResult.refused, "campaign_unknown"),
        (AuditResult.failed, "unexpected"),
    ]


async def test_a_log_that_is_broken_stops_nobody_and_leaves_the_entry_elsewhere() -> None:
    with capture_logs() as said:
        async with audited(Kept(broken=True), WHO, "campaign.pause", clock=_clock):
            pass
    [line] = said
    assert line["event"] == "audit_entry_not_stored"
    assert line["entry"]["action"] == "campaign.pause"


def test_secrets_numbers_and_customers_are_not_kept() -> None:
    kept = presentable(
        {
            "password": "hunter2",
            "token": "offhook_x",
            "client_secret": "s",
            "pins": ["1234"],
            "api_key": "k",
            "first_name": "Anna",
            "comment": "owes money",
            "has_password": True,
            "number": "+390612345678",
            "inner": [{"secret": "s", "name": "crm"}],
            "empty_password": "",
        }
    )
    assert kept == {
        "password": HIDDEN,
        "token": HIDDEN,
        "client_secret": HIDDEN,
        "pins": HIDDEN,
        "api_key": HIDDEN,
        "first_name": HIDDEN,
        "comment": HIDDEN,
        "has_password": True,
        "number": "…78",
        "inner": [{"secret": HIDDEN, "name": "crm"}],
        "empty_password": "",
    }


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=30,
)


@given(_JSON)
def test_whatever_is_kept_is_bounded_and_can_be_stored(value: object) -> None:
    kept = presentable(value)
    assert "\0" not in repr(kept).replace("\\x00", "\0")
    assert presentable(kept) == kept


def test_what_is_deeper_or_longer_than_anybody_reads_is_cut() -> None:
    deep: object = "end"
    for _ in range(50):
        deep = [deep]
    assert len(repr(presentable(deep))) < 40
    assert len(presentable("x" * 10_000)) == 500
    assert len(presentable(list(range(10_000)))) == 100


def test_changes_are_only_the_fields_that_differ() -> None:
    before = {"name": "a", "role": "agent", "gone": 1}
    after = {"name": "b", "role": "agent", "new": 2}
    assert changes(before, after) == (
        {"name": "a", "gone": 1, "new": None},
        {"name": "b", "gone": None, "new": 2},
    )
