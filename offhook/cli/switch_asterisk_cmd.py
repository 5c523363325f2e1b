"""What `offhook switch add asterisk` reads from its options."""

import typer

PASSWORD_VARIABLE = "ASTERISK_PASSWORD"  # noqa: S105 - the name of a variable


def read_trunk(text: str) -> dict[str, object]:
    """A trunk from ENDPOINT:LINES or from a whole dial string with `{number}`, then :LINES."""
    address, colon, lines = text.rpartition(":")
    if not colon or not lines.isdecimal():
        raise typer.BadParameter(
            f"--trunk {text[:60]!r} doesn't say how many calls it carries; write carrier:30"
        )
    if "/" not in address:
        return {"address": f"PJSIP/{{number}}@{address}", "lines": int(lines), "name": address}
    return {"address": address, "lines": int(lines)}
