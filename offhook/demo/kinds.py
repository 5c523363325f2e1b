"""What can be rehearsed on; a module of its own so that a command line can name it cheaply."""

from enum import StrEnum


class PbxKind(StrEnum):
    """A kind of PBX that offhook brings with it."""

    voispeed = "voispeed"
    """A simulated VOIspeed PBX."""
    asterisk = "asterisk"
    """A real Asterisk, with SIPp as the people who are called."""
