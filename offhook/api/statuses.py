"""The status of each refusal that is neither "not found" nor a conflict by its kind."""

from collections.abc import Mapping
from http import HTTPStatus

_UNKNOWN = (
    "campaign_unknown",
    "ivr_tree_unknown",
    "nothing_on_offer",
    "pin_not_found",
    "pin_policy_not_found",
)
_CONFLICT = (
    "agent_ambiguous",
    "bad_switch_settings",
    "agent_not_in_campaign",
    "agent_on_other_switch",
    "campaign_ambiguous",
    "campaign_empty",
    "campaign_not_running",
    "contact_ambiguous",
    "list_exists",
    "no_forecast",
    "pin_exists",
    "pin_policy_in_use",
    "pin_space_full",
    "pin_taken",
    "skip_not_allowed",
    "switch_exists",
    "switch_in_use",
    "webhook_exists",
    "webhook_secrets_unreadable",
)
_UNPROCESSABLE = (
    "bad_campaign_settings",
    "bad_do_not_call_entry",
    "bad_filter",
    "bad_schedule",
    "not_ready_reason_out_of_place",
    "not_ready_reason_unknown",
    "pin_bad_terms",
    "pin_file_no_customer",
    "pin_weak",
    "webhook_address_refused",
    "webhook_kind_unknown",
)

STATUSES: Mapping[str, HTTPStatus] = {
    **dict.fromkeys(_UNKNOWN, HTTPStatus.NOT_FOUND),
    **dict.fromkeys(_CONFLICT, HTTPStatus.CONFLICT),
    **dict.fromkeys(_UNPROCESSABLE, HTTPStatus.UNPROCESSABLE_ENTITY),
    "settings_moved": HTTPStatus.PRECONDITION_FAILED,
    "position_invalid": HTTPStatus.BAD_REQUEST,
    "position_too_old": HTTPStatus.GONE,
    "forecast_too_slow": HTTPStatus.SERVICE_UNAVAILABLE,
    "forecasts_busy": HTTPStatus.SERVICE_UNAVAILABLE,
}
