"""Who gets into the console, and who doesn't; without a browser, as an attacker would."""

from collections.abc import Iterator

import httpx
import pytest

from offhook.api.auth import COOKIE
from offhook.console.uploads import PATH
from tests.support.browser import Stage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]


@pytest.fixture
def http(stage: Stage) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stage.url, timeout=30) as client:
        yield client


def _logged_in(http: httpx.Client, stage: Stage, login: str) -> httpx.Response:
    form = {"login": login, "password": stage.password, "next": "/floor"}
    return http.post("/login", data=form)


def test_no_page_and_no_socket_is_for_strangers(http: httpx.Client) -> None:
    for path in ("/", "/floor", "/campaigns/spring", "/desk", "/people"):
        answer = http.get(path)
        assert (answer.status_code, answer.headers["location"][:6]) == (303, "/login")
    socket = http.get("/_nicegui_ws/socket.io/?EIO=4&transport=polling")
    assert socket.status_code == 403
    assert http.post(PATH, content=b"tel\n+39 320 5550000\n").status_code == 401


def test_a_login_sets_a_cookie_that_scripts_and_other_sites_do_not_get(
    http: httpx.Client, stage: Stage
) -> None:
    answer = _logged_in(http, stage, "sam")
    assert (answer.status_code, answer.headers["location"]) == (303, "/floor")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie.replace("Lax", "lax")
    page = http.get("/floor")
    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["x-frame-options"] == "DENY"


def test_forms_sent_from_other_sites_are_refused(http: httpx.Client, stage: Stage) -> None:
    elsewhere = {"origin": "https://evil.example"}
    form = {"login": "sam", "password": stage.password}
    assert http.post("/login", data=form, headers=elsewhere).status_code == 403
    _logged_in(http, stage, "sam")
    http.post("/logout", headers=elsewhere)
    assert http.get("/floor").status_code == 200
    refused = http.post(PATH, content=b"x", headers=elsewhere)
    assert refused.status_code == 401
    socket = "/_nicegui_ws/socket.io/?EIO=4&transport=polling"
    assert http.get(socket, headers=elsewhere).status_code == 403


def test_a_login_leads_to_our_own_pages_only(http: httpx.Client, stage: Stage) -> None:
    for wanted in ("https://evil.example", "//evil.example", "/\\evil.example", "x\r\ny: z"):
        form = {"login": "sam", "password": stage.password, "next": wanted}
        assert http.post("/login", data=form).headers["location"] == "/"


def test_a_file_is_for_who_may_import_and_has_a_bound(http: httpx.Client, stage: Stage) -> None:
    _logged_in(http, stage, "gina")
    assert http.post(PATH, content=b"x").status_code == 403
    _logged_in(http, stage, "sam")
    assert set(http.post(PATH, content=b"tel\n").json()) == {"upload"}
    answer = http.post(PATH, content=(b"x" * 1_000_000 for _ in range(51)))
    assert answer.status_code == 413


def test_the_api_still_answers_for_itself_beside_the_console(http: httpx.Client) -> None:
    lost = http.get("/api/v1/nothing-here")
    assert (lost.status_code, lost.json()["code"]) == (404, "no_such_route")
    wrong = http.put("/api/v1/campaigns")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert http.get("/healthz").status_code == 200


def test_a_link_that_is_none_is_refused_and_says_what_to_do(http: httpx.Client) -> None:
    form = {"secret": "made-up", "password": "six slow owls", "again": "six slow owls"}
    answer = http.post("/link", data=form)
    assert answer.status_code == 422
    assert "ask an administrator for another" in answer.text
    form["again"] = "other"
    assert "The two passwords differ" in http.post("/link", data=form).text
