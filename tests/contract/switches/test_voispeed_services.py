"""The VOIspeed services that dialing itself doesn't need, asked of the simulator."""

from collections.abc import AsyncIterator

import pytest

from dialer.switching import SwitchRefused
from offhook.simulator.config import SimulatorConfig
from offhook.simulator.serve import running_simulator
from offhook.switches.voispeed import wire
from offhook.switches.voispeed.client import VoispeedClient
from offhook.switches.voispeed.settings import VoispeedSettings


@pytest.fixture
async def client() -> AsyncIterator[VoispeedClient]:
    """A client of a fresh PBX."""
    async with running_simulator(SimulatorConfig()) as simulator:
        settings = VoispeedSettings.model_validate(
            {
                "base_url": simulator.url,
                "token": simulator.config.token,
                "reception_ivr": "1",
                "hold_ivr": "2",
            }
        )
        client = VoispeedClient(settings, "pbx")
        yield client
        await client.aclose()


async def test_contact_is_added_found_changed_and_deleted(client: VoispeedClient) -> None:
    added = await client.add_contact(wire.AddPhonebook(name="Ada", surname="Verdi", office="0733"))
    assert added
    (found,) = await client.phonebook("Verdi")
    assert (found.name, found.office) == ("Ada", "0733")
    await client.command(wire.UpdatePhonebook(contact_id=added, company="Works"))
    (found,) = await client.phonebook("Verdi")
    assert (found.name, found.company) == ("Ada", "Works")
    await client.command(wire.DeletePhonebook(contact_id=added))
    assert await client.phonebook("Verdi") == ()


async def test_contacts_of_another_application_are_synchronised(client: VoispeedClient) -> None:
    people = [
        wire.SyncContact(name="Bo", nummobile="+39 333-1", uc_app_name="crm", uc_external_id="1"),
        wire.SyncContact(name="Cy", nummobile="+393332", uc_app_name="crm", uc_external_id="2"),
    ]
    report = await client.sync_contacts(people)
    assert (report.processed, report.errors) == (2, 0)
    assert {contact.act for contact in report.contacts} == {"insert"}
    again = await client.sync_contacts(people)
    assert {contact.act for contact in again.contacts} == {"update"}


async def test_histories_start_empty(client: VoispeedClient) -> None:
    assert await client.call_report(wire.GetCallReport(limit=1)) == ()
    assert await client.user_call_report(wire.GetUserCallReport(ext="201", limit=1)) == ()


async def test_entities_are_listed_by_type(client: VoispeedClient) -> None:
    assert [ivr.id for ivr in await client.ivrs()] == ["1", "2", "3"]
    (user,) = await client.entities(wire.EntityType.user, entity_id="102")
    assert isinstance(user, wire.User)
    assert user.extension == "202"
    devices = await client.entities(wire.EntityType.terminal, owner_id="102")
    assert all(isinstance(device, wire.Device) for device in devices)
    assert devices


async def test_service_on_a_call_that_is_not_there_fails_later(client: VoispeedClient) -> None:
    accepted = await client.command(wire.CallRecordingExt(call_id="404"))
    assert accepted.request_id


async def test_user_service_for_an_unknown_extension_is_refused(client: VoispeedClient) -> None:
    with pytest.raises(SwitchRefused, match="extension"):
        await client.command(wire.CallRequest(ext="999", number="187"))
