"""The one way to get a Temporal client: pydantic models, sealed payloads, sealed error messages."""

import os
import socket
from datetime import timedelta
from functools import cache
from pathlib import Path

from temporalio.client import Client, TLSConfig
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.service import RPCError

from offhook.errors import SettingsError, TemporalUnreachable
from offhook.home import temporal_address
from offhook.settings import Settings, TemporalSettings
from offhook.temporal.codec import EncryptionCodec, KeyRing

CONNECT_TIMEOUT = timedelta(seconds=10)


def data_converter(ring: KeyRing | None) -> DataConverter:
    """Pydantic models in and out; sealed by `ring`, error messages and stack traces included."""
    if ring is None:
        return DataConverter(payload_converter_class=PydanticPayloadConverter)
    return DataConverter(
        payload_converter_class=PydanticPayloadConverter,
        payload_codec=EncryptionCodec(ring),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


async def connect(settings: Settings, *, role: str = "cli", lazy: bool = False) -> Client:
    """A client of the configured server, else of the running local stack's.

    `role` names the process in Temporal's UI. `lazy` puts off the connection to the first call, for
    processes that must come up while Temporal is still on its way.
    """
    temporal = settings.temporal
    address = temporal_address(settings)
    try:
        return await Client.connect(
            address,
            namespace=temporal.namespace,
            data_converter=data_converter(KeyRing.load(settings)),
            tls=_tls(temporal),
            api_key=temporal.api_key.get_secret_value() if temporal.api_key else None,
            identity=f"offhook-{role}@{socket.gethostname()}:{os.getpid()}",
            lazy=lazy,
            runtime=_runtime(temporal.metrics_address),
        )
    except (RuntimeError, RPCError) as error:
        raise TemporalUnreachable(
            f"Temporal at {address} does not answer: {error}",
            hint="check OFFHOOK_TEMPORAL__ADDRESS and its TLS settings, then run `offhook doctor`",
        ) from error


def _tls(temporal: TemporalSettings) -> TLSConfig | bool:
    parts = (temporal.tls_client_cert, temporal.tls_client_key)
    if (parts[0] is None) != (parts[1] is None):
        raise SettingsError(
            "a client certificate and its key go together, and one of them is missing",
            hint="set both OFFHOOK_TEMPORAL__TLS_CLIENT_CERT and OFFHOOK_TEMPORAL__TLS_CLIENT_KEY",
        )
    wanted = temporal.tls or temporal.tls_server_ca or parts[0] or temporal.api_key
    if not wanted:
        return False
    return TLSConfig(
        server_root_ca_cert=_read(temporal.tls_server_ca),
        domain=temporal.tls_server_name,
        client_cert=_read(parts[0]),
        client_private_key=_read(parts[1]),
    )


def _read(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"the TLS file {path} can't be read: {error.strerror}",
            hint="correct the path or its rights",
        ) from error


@cache
def _runtime(metrics_address: str | None) -> Runtime | None:
    """One runtime per process: it owns threads and the metrics port."""
    if metrics_address is None:
        return None
    return Runtime(
        telemetry=TelemetryConfig(
            metrics=PrometheusConfig(
                bind_address=metrics_address,
                durations_as_seconds=True,
                unit_suffix=True,
                counters_total_suffix=True,
            )
        )
    )
