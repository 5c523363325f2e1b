"""The compliance report as files that a spreadsheet opens without running any of them."""

import csv
import io
from typing import Any

from dialer.contacts_csv.export import escape
from offhook.storage.compliance_calls import CallEvidence
from offhook.storage.compliance_report import ComplianceReport, Window


def windows_csv(found: ComplianceReport) -> str:
    """The windows, one a line, with what is the same for all of them."""
    text = io.StringIO()
    names = ("campaign_id", *Window.model_fields, "profiles", "waived", "do_not_call_version")
    out = csv.DictWriter(text, names, lineterminator="\n")
    out.writeheader()
    for window in found.windows:
        row = {
            "campaign_id": found.campaign_id,
            **window.model_dump(mode="json"),
            "profiles": " ".join(found.profiles),
            "waived": " ".join(one.rule for one in found.waived),
            "do_not_call_version": found.do_not_call.version if found.do_not_call else 0,
        }
        out.writerow(_safe(row))
    return text.getvalue()


def call_line(call: CallEvidence | None = None) -> str:
    """One call as a line; without one the header."""
    text = io.StringIO()
    out = csv.DictWriter(text, tuple(CallEvidence.model_fields), lineterminator="\n")
    if call is None:
        out.writeheader()
    else:
        # A number begins with a plus sign, and is no formula.
        numbers = {"number": call.number, "caller_id": call.caller_id}
        out.writerow(_safe(call.model_dump(mode="json")) | numbers)
    return text.getvalue()


def _safe(row: dict[str, Any]) -> dict[str, Any]:
    return {name: escape(cell) if isinstance(cell, str) else cell for name, cell in row.items()}
