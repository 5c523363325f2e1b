"""One mapper decides what is tried again, and nothing unbounded crosses Temporal."""

import pytest
from pydantic import BaseModel, ValidationError
from temporalio.exceptions import ApplicationError

from activities.errors import MAX_MESSAGE, NotConfigured, coded_errors
from activities.ports import LeaseLost, StoreUnavailable
from dialer.contacts_csv import EmptyFile
from dialer.model import CampaignPhase, Mode, SwitchId
from dialer.rejections import CampaignNotInPhase, CampaignUnknown, ModeNotPossible, require_mode
from dialer.switching import SwitchRefused, SwitchUnavailable, Way


class _Person(BaseModel):
    age: int


def _invalid() -> ValidationError:
    with pytest.raises(ValidationError) as failure:
        _Person.model_validate({"age": "call +393331234567"})
    return failure.value


def _mapped(error: Exception, *, patient: bool = True) -> ApplicationError:
    with pytest.raises(ApplicationError) as failure, coded_errors(patient=patient):
        raise error
    return failure.value


@pytest.mark.parametrize(
    ("error", "code", "final"),
    [
        (CampaignUnknown("c1"), "campaign_unknown", True),
        (
            CampaignNotInPhase("stop", CampaignPhase.stopped, wanted=()),
            "campaign_not_in_phase",
            True,
        ),
        (NotConfigured("no such file", code="no_file"), "no_file", True),
        (EmptyFile(header=True), "empty_file", True),
        (SwitchRefused("no"), "switch_refused", True),
        (SwitchUnavailable("away"), "switch_unavailable", False),
        (StoreUnavailable("away"), "store_unavailable", False),
        (LeaseLost("c1"), "lease_lost", False),
        (KeyError("a bug"), "KeyError", False),
    ],
)
def test_error_keeps_its_code_and_is_final_when_only_a_person_can_help(
    error: Exception, code: str, final: bool
) -> None:
    mapped = _mapped(error)
    assert (mapped.type, mapped.non_retryable) == (code, final)


def test_unforeseen_error_is_final_when_nobody_would_be_stranded() -> None:
    assert _mapped(KeyError("a bug"), patient=False).non_retryable
    assert not _mapped(StoreUnavailable("away"), patient=False).non_retryable


def test_message_is_bounded_and_never_quotes_what_was_sent() -> None:
    assert len(_mapped(OSError("x" * 10_000)).message) == MAX_MESSAGE
    mapped = _mapped(_invalid())
    assert "+39" not in mapped.message
    assert "age" in mapped.message
    assert mapped.non_retryable


def test_error_that_is_mapped_already_passes_unchanged() -> None:
    error = ApplicationError("handing over", type="handover")
    assert _mapped(error) is error


def test_mode_is_refused_with_the_reason_and_the_modes_that_the_switch_can_do() -> None:
    require_mode(Mode.progressive, switch=SwitchId("o2g"), way=Way.agent_first)
    with pytest.raises(ModeNotPossible, match="it can do preview, progressive"):
        require_mode(Mode.predictive, switch=SwitchId("o2g"), way=Way.agent_first)
