"""What a command, an API call or a log line may say went wrong.

OffhookError
├── SettingsError            a setting is missing, unknown or malformed
├── StackError               the local process tree
│   ├── StackNotRunning
│   ├── StackAlreadyRunning
│   ├── PartDidNotStart
│   ├── PortTaken
│   └── MigrationFailed
├── EmbeddedPostgresError    the database that offhook brings with it
├── EmbeddedTemporalError    the Temporal server that offhook brings with it
├── TemporalUnreachable      a Temporal server that should answer, doesn't
└── CodecError               payload encryption
    ├── UnknownKeyError
    ├── PayloadTampered
    └── KeyRingError

Every message says what happened and to which thing; `hint` says what to do next; `code` never
changes.
"""

from typing import ClassVar


class OffhookError(Exception):
    """A failure that a person can act on: `str()` says what and which, `hint` says what next."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

    @property
    def message(self) -> str:
        """What happened, in one line."""
        return str(self)


class SettingsError(OffhookError):
    """A setting is missing, unknown or malformed."""

    code = "settings"


class StackError(OffhookError):
    """Something about the local process tree."""

    code = "stack"


class StackNotRunning(StackError):
    """A command needs a running stack and there is none in this home."""

    code = "stack_not_running"

    def __init__(self, home: object) -> None:
        super().__init__(
            f"no offhook stack is running in {home}", hint="start it with `offhook up`"
        )


class StackAlreadyRunning(StackError):
    """A second supervisor was asked to run a home that has one."""

    code = "stack_already_running"

    def __init__(self, home: object) -> None:
        super().__init__(
            f"an offhook stack is running in {home} already",
            hint="use it, stop it, or choose another folder with OFFHOOK_HOME",
        )


class PartDidNotStart(StackError):
    """A supervised process ended, or stayed unready, before it ever served."""

    code = "part_did_not_start"


class PortTaken(StackError):
    """A supervised process can't listen where it should: another program has its port."""

    code = "port_taken"

    def __init__(self, part: str, port: int) -> None:
        super().__init__(
            f"{part} can't listen on port {port}: another program has it",
            hint=f"find it with `ss -ltnp 'sport = :{port}'` and end it, or choose another port "
            "with OFFHOOK_API__PORT, OFFHOOK_LINKS__PORT or OFFHOOK_WORKER__HEALTH_PORT; then "
            "start the stack again",
        )


class MigrationFailed(StackError):
    """The database could not be brought to the schema of this version."""

    code = "migration_failed"


class EmbeddedPostgresError(OffhookError):
    """The embedded PostgreSQL can't be prepared or started."""

    code = "embedded_postgres"


class EmbeddedTemporalError(OffhookError):
    """The embedded Temporal server can't be prepared or started."""

    code = "embedded_temporal"


class TemporalUnreachable(OffhookError):
    """No Temporal frontend answers at the configured address."""

    code = "temporal_unreachable"


class CodecError(OffhookError):
    """A payload can't be encrypted or decrypted."""

    code = "codec"


class UnknownKeyError(CodecError):
    """A payload names a key that isn't in the ring."""

    code = "codec_unknown_key"


class PayloadTampered(CodecError):
    """A payload doesn't match its authentication tag."""

    code = "codec_tampered"


class KeyRingError(CodecError):
    """The key ring can't be read, or its contents make no sense."""

    code = "codec_key_ring"
