"""A PIN is nowhere: after calls with right and wrong ones, all that remembers is searched."""

import base64
import json
import logging
from collections.abc import AsyncIterator

import pytest
from prometheus_client import generate_latest
from structlog.testing import capture_logs
from temporalio.client import Client

from offhook.settings import load_settings
from offhook.storage.database import Database
from offhook.telemetry import registry
from offhook.temporal.ivr_services import secret_store
from tests.support.ivr_stack import PIN, TUTORIAL, IvrStack, ivr_stack
from tests.support.leaks import Place, history_of, leaks, rows_of

WRONG = ("804216", "637905", "270583")
SECRETS = (PIN, *WRONG)


@pytest.fixture
async def stack(
    database: Database,
    database_url: str,
    temporal_client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[IvrStack]:
    """The tutorial's tree behind a PBX; the client seals nothing, so histories are as decoded."""
    monkeypatch.setenv("OFFHOOK_DATABASE__URL", database_url)
    async with ivr_stack(load_settings(), database, database_url, temporal_client) as made:
        await made.publish(TUTORIAL.read_text())
        yield made


async def histories(stack: IvrStack) -> list[Place]:
    """Every event of every session's workflow, as it is stored."""
    return [
        await history_of(stack.desk.client, f"ivr/{stack.switch}/{row['call_id']}")
        for row in await stack.pool.fetch("SELECT call_id FROM ivr_sessions")
    ]


def test_search_finds_a_secret_however_it_is_written() -> None:
    raw = PIN.encode()
    written = [b"pin=" + raw, raw.hex().encode(), base64.b64encode(b'{"a":"' + raw + b'"}')]
    written += [base64.b64encode(b"x" * shift + raw + b"yy") for shift in range(3)]
    assert len(leaks([(str(n), one) for n, one in enumerate(written)], SECRETS)) == len(written)
    assert leaks([("a moment", b"12:00:00." + raw), ("longer", b"9" + raw)], SECRETS) == []


@pytest.mark.slow
async def test_pin_is_in_no_history_table_log_or_metric(
    stack: IvrStack, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    # As in production: the first is silenced there too, the others are the PBX's, in this process.
    for name in ("uvicorn.access", "httpx", "httpcore"):
        caplog.set_level(logging.WARNING, name)
    with capture_logs() as events:
        right = await stack.call("1", PIN)
        wrong = await stack.call("1", *WRONG)
        for record in (right, wrong):
            await stack.session(record)
        # What nobody redeemed is still sealed somewhere.
        await secret_store(load_settings(), stack.pool).keep(PIN, call="left over")
        stored, remembered = await rows_of(stack.pool), await histories(stack)
    assert (right.end, right.to) == ("transferred", "0:101")
    logged = json.dumps(events, default=str) + caplog.text
    places = [
        *stored,
        *remembered,
        ("log", logged.encode()),
        ("metrics", generate_latest(registry)),
    ]
    assert leaks(places, SECRETS) == []
    kept = dict(places)
    assert b"C7" in kept["ivr_sessions"]
    assert kept["ivr_secrets"].count(b"sealed") == 1
    assert kept["pin_attempts"].count(b'"answer"') == 4
    assert b"pin_judged" in kept["log"]
    assert b"dialer_pin_verdicts_total" in kept["metrics"]
    assert len(remembered) == 2
    assert all(b"support" in history for _, history in remembered)
