"""Queues, names, time-outs and retries: every option of every activity, by name.

`DIAL` runs for as long as the campaign is open. Its heartbeat time-out decides how long a customer
who answers in the moment a worker dies can wait: 4 s of silence, 0.2 s until the next worker takes
over, and a list of calls from the switch. Retries never end, since giving up would strand people;
only errors that a person must put right do end it.
"""

from datetime import timedelta
from typing import TypedDict

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType

TASK_QUEUE = "dialer"
"""The one queue of campaigns and imports."""

DIAL_CAMPAIGN = "campaigns.dial"
BEGIN_CAMPAIGN = "campaigns.begin"
ORDER_CAMPAIGN = "campaigns.order"
IMPORT_CONTACTS = "contacts.import"
SYNC_PHONEBOOK = "phonebooks.sync"
CHECK_CALLS = "switches.check_calls"
PRUNE = "storage.prune"
BEGIN_CALLBACK = "callbacks.begin"
RECORD_CALLBACK = "callbacks.record"
PERMIT_CALLBACK = "callbacks.permit"
CALL_CALLBACK = "callbacks.call"
WAKE_CALLBACKS = "callbacks.wake"
DRIVE_CALLBACK = "callbacks.drive"
MIRROR_CALLBACKS = "callbacks.mirror"
BEGIN_SESSION = "ivr.begin"
ADVANCE_SESSION = "ivr.advance"
VERIFY_PIN = "ivr.verify_pin"
CALL_HOOK = "ivr.call_hook"
FIND_AGENT = "ivr.find_agent"
LEAVE_QUEUE = "ivr.leave_queue"
BOOK_CALLBACK = "ivr.book_callback"
OPT_OUT = "ivr.opt_out"
SAVE_ANSWERS = "ivr.save_answers"
SCHEDULED_ORDER = "schedules.order"


class ActivityOptions(TypedDict, total=False):
    """Keyword arguments of `workflow.start_activity`."""

    start_to_close_timeout: timedelta
    schedule_to_close_timeout: timedelta
    heartbeat_timeout: timedelta
    retry_policy: RetryPolicy
    cancellation_type: ActivityCancellationType


DIAL: ActivityOptions = {
    "start_to_close_timeout": timedelta(days=30),
    "heartbeat_timeout": timedelta(seconds=4),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=200),
        backoff_coefficient=1.5,
        maximum_interval=timedelta(seconds=2),
        maximum_attempts=0,
    ),
    "cancellation_type": ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
}

RECORD: ActivityOptions = {
    "start_to_close_timeout": timedelta(seconds=10),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=100),
        backoff_coefficient=2.0,
        maximum_interval=timedelta(seconds=2),
        maximum_attempts=0,
    ),
}
"""Short writes to the system of record: it comes back sooner or later, and the campaign waits."""

CALL: ActivityOptions = {
    "start_to_close_timeout": timedelta(seconds=20),
    "schedule_to_close_timeout": timedelta(minutes=1),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=200),
        backoff_coefficient=2.0,
        maximum_interval=timedelta(seconds=5),
        maximum_attempts=0,
    ),
}
"""One call for an agent who waits at his desk: known to the switch by its correlator, so safe to
repeat, and not worth more than a minute.
"""

DRIVE: ActivityOptions = RECORD | {"start_to_close_timeout": timedelta(seconds=30)}
"""A move on the PBX's own list, which may have to be connected to first; it is asked until it has
said yes or no, since nobody else may have moved it meanwhile.
"""

IMPORT: ActivityOptions = {
    "start_to_close_timeout": timedelta(hours=24),
    "heartbeat_timeout": timedelta(seconds=10),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=500),
        backoff_coefficient=2.0,
        maximum_interval=timedelta(seconds=10),
        maximum_attempts=0,
    ),
    "cancellation_type": ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
}

PBX_JOB: ActivityOptions = {
    "start_to_close_timeout": timedelta(hours=6),
    "heartbeat_timeout": timedelta(seconds=60),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1),
        backoff_coefficient=2.0,
        maximum_interval=timedelta(minutes=1),
        maximum_attempts=0,
    ),
    "cancellation_type": ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
}
"""Phonebooks and call reports: nobody waits on the line, and a PBX that is away comes back."""

MIRROR: ActivityOptions = {
    "start_to_close_timeout": timedelta(days=1),
    "heartbeat_timeout": timedelta(seconds=60),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1),
        backoff_coefficient=2.0,
        maximum_interval=timedelta(seconds=30),
        maximum_attempts=0,
    ),
    "cancellation_type": ActivityCancellationType.TRY_CANCEL,
}
"""A list of the PBX's that is followed: a day at a time, and for ever."""

CALL_CHECK: ActivityOptions = PBX_JOB | {"schedule_to_close_timeout": timedelta(hours=20)}
"""Given up before the next night's: a check that never ends would make every later one left out."""

SCHEDULED: ActivityOptions = {
    "start_to_close_timeout": timedelta(seconds=60),
    "schedule_to_close_timeout": timedelta(hours=1),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1),
        backoff_coefficient=2.0,
        maximum_interval=timedelta(minutes=1),
        maximum_attempts=0,
    ),
}
"""An order that is due: an hour later it would be another order."""

PRUNING: ActivityOptions = {
    "start_to_close_timeout": timedelta(hours=12),
    "heartbeat_timeout": timedelta(minutes=5),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=10),
        backoff_coefficient=2.0,
        maximum_interval=timedelta(minutes=10),
        maximum_attempts=0,
    ),
}
"""Deletions: the first look at a large table may take minutes, and the next night comes anyway."""

_QUICK_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=50),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=1),
    maximum_attempts=0,
)

SESSION_RECORD: ActivityOptions = {
    "start_to_close_timeout": timedelta(seconds=5),
    "retry_policy": _QUICK_RETRY,
}
"""A step of a session: a caller is on the line, and it is tried until the record is there."""

SESSION_DEED: ActivityOptions = {
    "start_to_close_timeout": timedelta(seconds=5),
    "schedule_to_close_timeout": timedelta(seconds=12),
    "retry_policy": _QUICK_RETRY,
}
"""What a node asks for while the caller waits; after that the call goes on without it."""

SESSION_QUEUE: ActivityOptions = {
    "start_to_close_timeout": timedelta(seconds=40),
    "heartbeat_timeout": timedelta(seconds=5),
    "retry_policy": _QUICK_RETRY,
}
"""Looking for an agent, for a while at a time."""

SESSION_HOOK_RETRY = RetryPolicy(maximum_attempts=1)
"""A service that doesn't answer in time isn't asked again: the node says what happens then."""
