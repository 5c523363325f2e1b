"""Every table of the schema: importing this module makes the one catalogue complete."""

from types import ModuleType

from offhook.storage import (
    account_tables,
    api_memory,
    callback_tables,
    compliance_tables,
    forecast_store,
    ivr_tables,
    link_tables,
    list_tables,
    pin_tables,
    recording_tables,
    routing_tables,
    tables,
    webhook_tables,
)

MODULES: tuple[ModuleType, ...] = (
    tables,
    link_tables,
    list_tables,
    recording_tables,
    callback_tables,
    compliance_tables,
    ivr_tables,
    pin_tables,
    routing_tables,
    account_tables,
    api_memory,
    webhook_tables,
    forecast_store,
)
metadata = tables.metadata
