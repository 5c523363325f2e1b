"""What answers a called number where we drive the calls: a published tree, or one made here.

A queue of agents and a promise to call back are trees too, so that everything a caller can meet
runs on the same machine, is recorded alike and survives alike. `offhook inbound add` makes and
publishes them; who wants more than they do writes a tree.
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import yaml

from activities.ivr import Secrets
from ivr.tree import Forest, plant
from offhook.errors import OffhookError
from offhook.settings import Settings
from offhook.speech import Prompts, find_espeak
from offhook.switches.base import CallerDesk, InboundRoutes, Sessions

AUDIO = "audio"
"""Folder of the home with the trees' recordings."""

_WORDS = {
    "en": {
        "promise": "Thank you for calling. We will call you back. Goodbye.",
        "sorry": "We are sorry, your call can't be taken now. Please call again. Goodbye.",
        "wait": "Thank you for calling. Please hold the line.",
        "place": "You are number {position|number} in the queue.",
    },
    "it": {
        "promise": "Grazie per la chiamata. La richiameremo. Arrivederci.",
        "sorry": "Ci scusiamo, non possiamo rispondere. La preghiamo di richiamare. Arrivederci.",
        "wait": "Grazie per la chiamata. Resti in linea.",
        "place": "Lei è il numero {position|number} in attesa.",
    },
}
LANGUAGES = tuple(_WORDS)


class NoWords(OffhookError):
    """There are no words of ours in a language."""

    code = "inbound_no_words"

    def __init__(self, language: str) -> None:
        super().__init__(
            f"queues and promises made here don't speak {language[:12]!r}",
            hint=f"choose one of {', '.join(LANGUAGES)}, or write a tree and give it with --tree",
        )


@dataclass(frozen=True)
class LazyVoice:
    """Implements `offhook.switches.base.Voice`; looks for the engine when something is to be said,
    so that a machine without one serves everything that is recorded.
    """

    program: str
    folder: Path

    def say(self, text: str, *, language: str) -> Path:
        """The file of a spoken text."""
        return Prompts(find_espeak(self.program), self.folder).say(text, language=language)


def caller_desk(
    settings: Settings, sessions: Sessions, secrets: Secrets, routes: InboundRoutes
) -> CallerDesk:
    """What the links serve callers with."""
    home = settings.home.absolute()
    return CallerDesk(
        sessions=sessions,
        secrets=secrets,
        routes=routes,
        voice=LazyVoice(settings.speech.program, home / "prompts"),
        audio=home / AUDIO,
        home=home,
    )


def promise_tree(language: str) -> Forest:
    """Promises to call back whoever calls, says so and ends the call."""
    book: dict[str, object] = {"kind": "callback", "next": "promised", "failed": "sorry"}
    return _forest(f"promise-{language}", language, "book", {"book": book})


def queue_tree(
    group: str, language: str, *, max_wait: timedelta, then: str, number: str | None = None
) -> Forest:
    """A queue for the agents of a group; after the longest wait, or where nobody is on duty, the
    caller is promised a call back (`callback`), put through to `number` (`transfer`) or let go.
    """
    last = {"callback": "book", "transfer": "through", "hangup": "sorry"}[then]
    nodes: dict[str, dict[str, object]] = {
        "queue": {
            "kind": "route",
            "group": group,
            "prompt": "wait",
            "position_prompt": "place",
            "max_wait": f"{max_wait.total_seconds():g}s",
            "nobody": last,
            "timeout": last,
        }
    }
    if then == "callback":
        nodes["book"] = {
            "kind": "callback", "group": group, "next": "promised", "failed": "sorry",
        }  # fmt: skip
    elif then == "transfer":
        nodes["through"] = {"kind": "transfer", "to": number, "failed": "sorry"}
    return _forest(f"queue-{group}-{language}", language, "queue", nodes)


def _forest(name: str, language: str, start: str, nodes: dict[str, dict[str, object]]) -> Forest:
    words = _WORDS.get(language)
    if words is None:
        raise NoWords(language)
    nodes["sorry"] = {"kind": "hangup", "prompt": "sorry"}
    if any(node.get("next") == "promised" for node in nodes.values()):
        nodes["promised"] = {"kind": "hangup", "prompt": "promise"}
    used = {str(node[key]) for node in nodes.values() for key in node if key.endswith("prompt")}
    tree = {
        "ivr": name,
        "language": language,
        "start": start,
        "prompts": {word: {language: text} for word, text in words.items() if word in used},
        "nodes": nodes,
    }
    return plant([(f"{name}.yaml", yaml.safe_dump(tree, allow_unicode=True, sort_keys=False))])
