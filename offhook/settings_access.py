"""Settings of accounts, in a module of their own because they are read without the others."""

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A section of the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AccessSettings(Section):
    """Who gets in, and for how long."""

    session_idle_minutes: float = Field(
        default=30.0,
        gt=0,
        le=10_080,
        description="Minutes without a request after which a browser's session ends",
    )
    session_hours: float = Field(
        default=12.0, gt=0, le=720, description="Hours after which a session ends in any case"
    )
    link_hours: float = Field(
        default=24.0, gt=0, le=720, description="Hours that a one-time link counts"
    )
    open_metrics: bool = Field(
        default=True,
        description="Whether the API shows `/metrics`, and what `/readyz` finds wrong, to anybody; "
        "`false`: to whoever may `floor:read`",
    )
    argon2_memory_kib: int = Field(
        default=65_536,
        ge=8,
        le=4_194_304,
        description="Memory that one look at a password takes, in KiB",
    )
    argon2_passes: int = Field(
        default=3, ge=1, le=100, description="Passes over that memory, each as long as the first"
    )
    argon2_lanes: int = Field(
        default=4, ge=1, le=64, description="Lanes of that memory that are filled side by side"
    )
