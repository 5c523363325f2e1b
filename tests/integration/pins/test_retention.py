"""What callers in menus leave behind goes when its time is over, and never what a lock needs."""

from datetime import timedelta

from activities.contracts import Pruned
from ivr.pin import AttemptLimit, Counts, PinPolicy
from offhook.storage.retention import Keep, Retention
from tests.support.pins import PIN, PinDesk

DAY = timedelta(days=1)
FOR_EVER = Keep(journal=None, unpacked=None, inbox=None, import_refusals=None)
_SESSION = """
INSERT INTO ivr_sessions (id, switch_id, call_id, tree, version, phase, ended, started_at,
    changed_at, ended_at)
VALUES ($1, 'pbx', $1, 'support', 1, 'ended', 'completed', $2::timestamptz, $2, $3)
"""
_STEP = """
INSERT INTO ivr_session_events (session_id, seq, at, event, turn, phase, ways)
VALUES ($1, 1, $2, 'started', 1, 'ended', '[]')
"""
_OFFER = """
INSERT INTO agent_offer_log (session_id, agent_id, calling, reasons, offered_at)
VALUES ($1, 'ann', '+39055', '{}', $2)
"""


def keep(*, sessions: timedelta | None = None, audit: timedelta | None = None) -> Keep:
    return Keep(
        journal=None,
        unpacked=None,
        inbox=None,
        import_refusals=None,
        ivr_sessions=sessions,
        pin_audit=audit,
    )


async def test_old_sessions_go_with_their_steps_and_offers(desk: PinDesk) -> None:
    begun = desk.now
    for name, age, ended in (("old", 9, True), ("new", 1, True), ("left", 9, False)):
        at = begun - age * DAY
        await desk.pool.execute(_SESSION, name, at, at if ended else None)
        await desk.pool.execute(_STEP, name, at)
        await desk.pool.execute(_OFFER, name, at)
    retention = Retention(desk.pool, keep(sessions=5 * DAY))
    counted = await retention.prune(now=begun, dry_run=True)
    assert counted == Pruned(ivr_sessions_removed=2, dry_run=True)
    assert await retention.prune(now=begun) == Pruned(ivr_sessions_removed=2)
    for table in ("ivr_sessions", "ivr_session_events", "agent_offer_log"):
        assert await desk.pool.fetchval(f"SELECT count(*) FROM {table}") == 1  # noqa: S608 - ours
    assert await Retention(desk.pool, FOR_EVER).prune(now=begun + 999 * DAY) == Pruned()


async def test_old_verdicts_go_but_a_lock_goes_on(desk: PinDesk) -> None:
    week = AttemptLimit(over=Counts.caller, failures=2, within=7 * DAY, lock=7 * DAY)
    await desk.policy(PinPolicy(limits=(week,)))
    await desk.enrol()
    for _ in range(2):
        await desk.say("111222")
    desk.pass_by(6 * DAY)
    retention = Retention(desk.pool, keep(audit=DAY))
    assert await retention.prune(now=desk.now) == Pruned()
    assert (await desk.say(PIN)).answer == "locked"
    desk.pass_by(10 * DAY)
    assert await retention.prune(now=desk.now, dry_run=True) == Pruned(
        pin_audit_removed=2, dry_run=True
    )
    assert await retention.prune(now=desk.now) == Pruned(pin_audit_removed=2)
    assert await desk.pool.fetchval("SELECT count(*) FROM pin_failures") == 0
    assert (await desk.say(PIN)).answer == "ok"


async def test_alerts_stay_until_somebody_has_seen_them(desk: PinDesk) -> None:
    await desk.policy(PinPolicy())
    for _ in range(5):
        await desk.say("111222")
    retention = Retention(desk.pool, keep(audit=DAY))
    desk.pass_by(30 * DAY)
    await retention.prune(now=desk.now)
    assert await desk.pool.fetchval("SELECT count(*) FROM pin_alerts") == 1
    await desk.pool.execute("UPDATE pin_alerts SET acknowledged_at = $1", desk.now)
    desk.pass_by(2 * DAY)
    assert await retention.prune(now=desk.now) == Pruned(pin_audit_removed=1)


async def test_what_was_typed_and_never_asked_for_is_gone_by_the_next_night(desk: PinDesk) -> None:
    await desk.typed(PIN)
    retention = Retention(desk.pool, FOR_EVER)
    await retention.prune(now=desk.now)
    assert await desk.pool.fetchval("SELECT count(*) FROM ivr_secrets") == 1
    desk.pass_by(timedelta(minutes=2))
    await retention.prune(now=desk.now)
    assert await desk.pool.fetchval("SELECT count(*) FROM ivr_secrets") == 0
