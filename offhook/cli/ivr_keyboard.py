"""A person at a keyboard as the caller of a tree."""

from collections.abc import Callable, Sequence

from rich.markup import escape

from ivr.gather import Gathered, pause, press
from ivr.machine_words import Collect
from ivr.prompts import Piece, SayText
from ivr.trial import HANG_UP, KEYS

Read = Callable[[str], str]
Write = Callable[[str], None]


class Keyboard:
    """Shows what is said, and reads keys as lines; the end of the input hangs up.

    `read` asks for a line and raises `EOFError` at the end, as `input` does; `write` shows a line
    of Rich markup.
    """

    def __init__(self, read: Read, write: Write) -> None:
        self._read = read
        self._write = write

    def hears(self, pieces: Sequence[Piece], *, loop: bool) -> None:
        """Show what is said."""
        words = [
            piece.text if isinstance(piece, SayText) else f"({piece.file})" for piece in pieces
        ]
        again = " [dim](over and over)[/dim]" if loop else ""
        self._write(f"[bold cyan]IVR[/bold cyan] {escape(' '.join(words))}{again}")

    def gone(self) -> bool:
        """A keyboard hangs up only when it is asked for keys."""
        return False

    def keys(self, wanted: Collect) -> str | None:
        """One line as an input: Enter alone is silence, `!` hangs up."""
        while True:
            try:
                line = self._read("PIN> " if wanted.secret else "keys> ").strip()
            except EOFError:
                return None
            if line == HANG_UP:
                return None
            if set(line) <= KEYS:
                return _whole(wanted, line)
            self._write("[yellow]only 0-9, * and #; Enter for silence, ! to hang up[/yellow]")


def _whole(wanted: Collect, line: str) -> str:
    got = Gathered()
    for key in line:
        got = press(wanted.input, got, key)
    return pause(got).keys
