"""Settings of menus, and of how long what calls leave behind is kept."""

from pydantic import Field, SecretStr

from offhook.settings_access import Section


class DeskSettings(Section):
    """The desks of agents."""

    not_ready_reasons: str = Field(
        default="break lunch meeting training admin technical",
        pattern=r"^ *([a-z][a-z0-9_]{0,39}( +|$))*$",
        description="What agents may say who are not ready: words in lower case with spaces "
        "between",
    )

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reasons, in the order in which they are offered."""
        return tuple(dict.fromkeys(self.not_ready_reasons.split()))


class IvrSettings(Section):
    """Menus."""

    hook_secrets: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="Secrets that sign the questions of `hook` nodes, by the name a node gives",
    )
    region: str = Field(
        default="IT",
        pattern="^[A-Z]{2}$",
        description="Country of callers' numbers that come without a country code",
    )
    queue_length: int = Field(
        default=500,
        ge=1,
        le=10_000,
        description="Callers who may wait for the agents of one group; one more takes the node's "
        "way for `nobody`",
    )
    vip_bonus_s: float = Field(
        default=600.0,
        ge=0,
        le=86_400,
        description="Seconds by which an important caller counts as waiting longer",
    )


class RetentionSettings(Section):
    """How long rows are kept that only an audit or a repetition reads; pruned nightly."""

    journal_pack_days: float = Field(
        default=1.0,
        ge=0,
        le=36_500,
        description="Days after which the journal of a dial that is over is packed, losing "
        "nothing; 0: never",
    )
    journal_days: float = Field(
        default=90.0,
        ge=0,
        le=36_500,
        description="Days after which a journal is deleted, and with it `offhook audit replay`; "
        "0: never",
    )
    inbox_days: float = Field(
        default=7.0,
        ge=0,
        le=36_500,
        description="Days after which events of switches are deleted that every campaign has "
        "read; 0: never",
    )
    import_refusals_days: float = Field(
        default=30.0,
        ge=0,
        le=36_500,
        description="Days after which rows that an import refused are deleted; 0: never",
    )
    ivr_sessions_days: float = Field(
        default=90.0,
        ge=0,
        le=36_500,
        description="Days after which sessions of callers in menus are deleted, with their steps, "
        "answers and offers to agents; 0: never",
    )
    pin_audit_days: float = Field(
        default=365.0,
        ge=0,
        le=36_500,
        description="Days after which verdicts on PINs and acknowledged alerts are deleted; what "
        "a lock is still counted from stays; 0: never",
    )
