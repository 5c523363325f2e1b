"""Settings of webhooks."""

from pydantic import Field

from offhook.settings_access import Section


class WebhookSettings(Section):
    """Facts that are sent to other programs."""

    allow_private: bool = Field(
        default=False,
        description="Whether facts may be sent to private and loopback addresses, and without TLS",
    )
    timeout_s: float = Field(
        default=15.0, gt=0, le=60, description="Seconds that a receiver may take to answer"
    )
    give_up_hours: float = Field(
        default=28.0,
        ge=24,
        le=720,
        description="Hours after which a fact is given up that a receiver does not take",
    )
    disable_after_hours: float = Field(
        default=72.0,
        ge=1,
        le=2_160,
        description="Hours without one success after which nothing is sent to a receiver any more",
    )
    keep_days: float = Field(
        default=7.0,
        ge=1,
        le=365,
        description="Days that facts and their deliveries are kept, and can be sent again",
    )
