"""The compliance report as a file that a spreadsheet opens without running any of it."""

import csv
import io

from dialer.contacts_csv.export import escape
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
        out.writerow(
            {name: escape(cell) if isinstance(cell, str) else cell for name, cell in row.items()}
        )
    return text.getvalue()
