"""`offhook prompt`: prompts of spoken text, and of files that a telephone can't play yet."""

import shutil
import wave
from pathlib import Path
from typing import Annotated, Any

import typer

from offhook.cli.output import JsonOption, emit, prepare
from offhook.speech import Prompts, find_espeak, to_telephone

app = typer.Typer(help="Make prompts.", no_args_is_help=True, rich_markup_mode=None)
Output = Annotated[Path, typer.Option("--output", "-o", help="WAV file to write.")]


@app.callback()
def _group() -> None:
    """Make prompts of spoken text, and of files."""


@app.command()
def say(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What is said.")],
    output: Output,
    language: Annotated[str, typer.Option(help="As it, en-gb, de.")] = "en",
    json_output: JsonOption = False,
) -> None:
    """Speak a text into a file that every telephone system plays (8 kHz, 16 bit, mono).

    Example: offhook prompt say "Buongiorno" --language it -o buongiorno.wav
    """
    settings = prepare()
    prompts = Prompts(find_espeak(settings.speech.program), settings.home / "prompts")
    shutil.copyfile(prompts.say(text, language=language), output)
    emit(_described(output), json_output, _shown)


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="WAV file of 16 bits.")],
    output: Output,
    json_output: JsonOption = False,
) -> None:
    """Write a WAV file of any rate as one that every telephone system plays.

    Example: offhook prompt convert studio.wav -o message.wav
    """
    prepare()
    to_telephone(source, output)
    emit(_described(output), json_output, _shown)


def _described(path: Path) -> dict[str, Any]:
    with wave.open(str(path), "rb") as sound:
        seconds = sound.getnframes() / sound.getframerate()
    return {"file": str(path), "seconds": round(seconds, 2), "bytes": path.stat().st_size}


def _shown(made: dict[str, Any]) -> str:
    return f"{made['file']}: {made['seconds']} s; copy it to the sounds of the telephone system"
