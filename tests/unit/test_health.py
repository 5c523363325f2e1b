"""The three pages of every process, over a real socket."""

import httpx

from offhook.health import Health, is_ready


async def _fine() -> str | None:
    return None


async def _wrong() -> str | None:
    return "the switch is gone"


async def _raises() -> str | None:
    raise ConnectionError("refused")


async def test_process_is_ready_when_every_check_passes() -> None:
    async with Health("links", {"database": _fine}).serving("127.0.0.1", 0) as port:
        assert await is_ready("127.0.0.1", port)


async def test_readiness_names_what_fails() -> None:
    health = Health("links", {"database": _fine, "switch": _wrong})
    health.add("temporal", _raises)
    async with (
        health.serving("127.0.0.1", 0) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["checks"] == {
            "database": "ok",
            "switch": "the switch is gone",
            "temporal": "ConnectionError: refused",
        }
        assert not await is_ready("127.0.0.1", port)
        assert (await client.get("/healthz")).json() == {"status": "ok", "process": "links"}
        assert "process_cpu_seconds_total" in (await client.get("/metrics")).text


async def test_process_that_does_not_listen_is_not_ready() -> None:
    async with Health("links").serving("127.0.0.1", 0) as port:
        pass
    assert not await is_ready("127.0.0.1", port)
