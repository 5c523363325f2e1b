"""The kinds of node. A target is the name of another node of the same tree.

What an author may forget is optional here and found by `ivr.check`; what makes no sense is
refused here. A node without a target where the machine needs one hangs up.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from dialer.windows import CallingHours
from ivr.tree_parts import (
    Destination,
    Duration,
    Input,
    Key,
    Keys,
    Language,
    Name,
    Part,
    Prompt,
    Scope,
    Skill,
    Tries,
)

Said = Annotated[
    Annotated[Name, Tag("name")] | Annotated[Prompt, Tag("prompt")],
    Discriminator(lambda value: "prompt" if isinstance(value, dict) else "name"),
]
"""A prompt by its name in `prompts`, or written out in place."""
Target = Name
Choices = Annotated[dict[Keys, Target], Field(max_length=100)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s]{1,500}$")]


class Node(Part):
    """What every node may say about itself."""

    note: Annotated[str, Field(max_length=300)] | None = None
    """For people; shown by `ivr show`."""


class Listening(Node):
    """A node that waits for keys: how often it asks, and what it says when asking again."""

    prompt: Said | None = None
    """What is said when it asks."""
    barge_in: bool = True
    """A key stops the prompt."""
    tries: Tries | None = 3
    """How often it asks before it gives up; null asks without end."""
    no_input: Target | None = None
    """Where a caller goes who pressed nothing, all tries over."""
    no_input_prompt: Said | None = None
    """Said before asking again a caller who pressed nothing."""
    no_match: Target | None = None
    """Where a caller goes whose keys fit nothing, all tries over."""
    no_match_prompt: Said | None = None
    """Said before asking again a caller whose keys fit nothing."""


class ActionType(StrEnum):
    """What a switch's own node does once it has its input (VOIspeed, table 12)."""

    none = "none"
    next = "next"
    call = "call"
    script = "script"

    @property
    def code(self) -> int:
        """The number that VOIspeed gives it."""
        return tuple(ActionType).index(self)


def _read_action_type(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(ActionType):
        return tuple(ActionType)[value]
    return value


class NodeAction(Part):
    """The action of a switch's own node."""

    type: Annotated[ActionType, BeforeValidator(_read_action_type)] = ActionType.none
    """`none`, `next` (the child whose key was pressed), `call` or `script`; or 0 to 3."""
    to: Destination | None = None
    """For `call`."""
    script: Url | None = None
    """For `script`; its result names the key of the child to go to."""
    timeout: Duration = timedelta(seconds=5)
    """How long a script may take."""
    fallback: Target | None = None
    """For `script`: where to go without an answer."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.type is ActionType.call and self.to is None:
            raise ValueError("action `call` needs `to`")
        if self.type is ActionType.script and self.script is None:
            raise ValueError("action `script` needs `script`, a URL")
        return self


class PbxNode(Listening):
    """A node with exactly the properties that a VOIspeed node has."""

    kind: Literal["node"]
    loop: bool = False
    """The prompt is played again and again until a key comes or the wait is over."""
    input: Input = Input()
    """The keys that are read; see below."""
    action: NodeAction = NodeAction()
    """What comes of them; see below."""
    keys: Choices = Field(default_factory=dict)
    """The children, by their entrance key."""
    back: Key | None = None
    """The key that leads back to `parent`."""
    parent: Target | None = None
    """The node that `back` leads to."""


class Menu(Listening):
    """Keys that each lead somewhere."""

    kind: Literal["menu"]
    keys: Annotated[Choices, Field(min_length=1)]
    """Targets by what is pressed."""
    wait: Duration = timedelta(seconds=6)
    """How long the first key may take once the prompt has ended."""
    digit_timeout: Duration = timedelta(seconds=3)
    """A pause this long ends the input where keys are of different lengths."""


class Collect(Listening):
    """Keys that are kept as a variable. Not for secrets: use `pin`."""

    kind: Literal["collect"]
    input: Input
    """The keys that are read; see below."""
    min_length: Annotated[int, Field(ge=1, le=32)] = 1
    """Fewer keys fit nothing."""
    variable: Name
    """The name under which they are kept."""
    next: Target | None = None
    """Where the call goes on."""


class Pin(Listening):
    """A secret, checked without being seen: its digits are never in a state, a log or a history."""

    kind: Literal["pin"]
    input: Input = Input(length=6)
    """The keys that are read; see below."""
    policy: Name = "default"
    """The name of the policy that the PIN is checked by."""
    customer: Name | None = None
    """The variable with the customer number that the PIN belongs to; without it the PIN alone
    says who calls."""
    tries: Tries | None = None
    """How often a caller may be wrong here; without it there is no limit but the policy's."""
    ok: Target
    """Where a caller goes whose PIN is right."""
    wrong: Target | None = None
    """Where a caller goes whose PIN is wrong, all tries over."""
    wrong_prompt: Said | None = None
    """Said before asking again a caller whose PIN is wrong."""
    locked: Target | None = None
    """Where a caller goes who is locked out; else `wrong`."""
    expired: Target | None = None
    """Where a caller goes whose PIN was right but isn't valid today; else `wrong`."""
    unavailable: Target | None = None
    """Where a caller goes when the PIN can't be checked now; else `wrong`."""


class Message(Node):
    """Something is said."""

    kind: Literal["message"]
    prompt: Said
    """What is said."""
    next: Target | None = None
    """Where the call goes on."""


class SetLanguage(Node):
    """From here on the caller hears another language."""

    kind: Literal["language"]
    language: Language
    """The language from here on."""
    next: Target | None = None
    """Where the call goes on."""


class Hours(Node):
    """The clock decides."""

    kind: Literal["hours"]
    hours: CallingHours
    """Such as `mon-fri 09:00-18:00; not 2026-12-25; in Europe/Rome`."""
    open: Target
    """Where a call goes within the hours."""
    closed: Target
    """Where a call goes outside them."""
    holiday: Target | None = None
    """For the days after `not`; else `closed`."""


class Transfer(Node):
    """The call is put through, and leaves the tree unless that fails."""

    kind: Literal["transfer"]
    to: Destination
    """A number, or an entity of the switch; see below."""
    prompt: Said | None = None
    """Said before the call is put through."""
    timeout: Duration = timedelta(seconds=60)
    """How long putting through may take."""
    failed: Target | None = None
    """Where a call goes that can't be put through."""


class Route(Node):
    """The call waits for the most suitable agent."""

    kind: Literal["route"]
    required: Annotated[tuple[Skill, ...], Field(max_length=10)] = ()
    """Skills that an agent must have."""
    preferred: Annotated[tuple[Skill, ...], Field(max_length=10)] = ()
    """Skills that an agent should have."""
    group: Name | None = None
    """The group that an agent must be in."""
    vip: bool = False
    """Skill goes before penalty and idleness."""
    prompt: Said | None = None
    """Said while the search begins."""
    position_prompt: Said | None = None
    """Played when the place in the queue is told; `{position}` is the place."""
    max_wait: Duration | None = timedelta(minutes=5)
    """The longest wait."""
    keys: Choices = Field(default_factory=dict)
    """Keys that leave the queue."""
    nobody: Target | None = None
    """Where a caller goes when nobody suitable is on duty, or the queue is full."""
    timeout: Target | None = None
    """Where a caller goes who waited `max_wait`."""


class Hook(Node):
    """Your own service is asked, and its answer is a result and variables."""

    kind: Literal["hook"]
    url: Url
    """Where the question goes, as a POST of JSON."""
    secret: Name | None = None
    """The name of the secret that signs the question."""
    timeout: Duration = timedelta(seconds=3)
    """How long an answer may take."""
    send: Annotated[tuple[Name, ...], Field(max_length=20)] = ()
    """Variables that are sent along."""
    prompt: Said | None = None
    """Played while the caller waits for the answer."""
    results: Annotated[dict[Name, Target], Field(max_length=50)] = Field(default_factory=dict)
    """Targets by result."""
    fallback: Target | None = None
    """Where a caller goes when there is no answer, or one that `results` doesn't list."""


class OptOut(Node):
    """The caller's number goes on the do-not-call list."""

    kind: Literal["opt_out"]
    scope: Scope = "everything"
    """`everything`, or the `campaign` that the caller was called for."""
    next: Target | None = None
    """Where the call goes on."""
    failed: Target | None = None
    """Where a caller goes when it couldn't be recorded; else `next`."""


class Callback(Node):
    """A call back is promised."""

    kind: Literal["callback"]
    number: Name | None = None
    """The variable with the number; without it the number the caller calls from."""
    after: Duration = timedelta(0)
    """The earliest moment from now, in the rest of the list's usual period or in the next day's."""
    group: Name | None = None
    """Who shall call back."""
    next: Target | None = None
    """Where the call goes on once it is promised."""
    failed: Target | None = None
    """Where a caller goes when the promise can't be made."""


class Question(Part):
    """One question of a survey, answered with one key."""

    name: Name
    """The name under which the answer is kept."""
    prompt: Said
    """The question."""
    min: Annotated[int, Field(ge=0, le=9)] = 1
    """The lowest answer."""
    max: Annotated[int, Field(ge=0, le=9)] = 5
    """The highest answer."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min > self.max:
            raise ValueError("`min` is above `max`")
        return self


class Survey(Node):
    """Questions in a row. A question that stays unanswered after its tries is skipped."""

    kind: Literal["survey"]
    questions: Annotated[tuple[Question, ...], Field(min_length=1, max_length=20)]
    """The questions; see below."""
    tries: Tries = 2
    """How often each is asked."""
    wait: Duration = timedelta(seconds=6)
    """How long an answer may take once the question has ended."""
    next: Target | None = None
    """Where the call goes on."""


class Goto(Node):
    """Another tree goes on."""

    kind: Literal["goto"]
    tree: Name
    """The other tree."""
    node: Name | None = None
    """Where to begin there; else its start."""


class Hangup(Node):
    """The call ends."""

    kind: Literal["hangup"]
    prompt: Said | None = None
    """Said before the call ends."""


AnyNode = Annotated[
    PbxNode
    | Menu
    | Collect
    | Pin
    | Message
    | SetLanguage
    | Hours
    | Transfer
    | Route
    | Hook
    | OptOut
    | Callback
    | Survey
    | Goto
    | Hangup,
    Field(discriminator="kind"),
]

MODELS: tuple[type[Node], ...] = get_args(get_args(AnyNode)[0])
"""Every kind of node."""


def kind_of(model: type[Node]) -> str:
    """What an author writes after `kind:`."""
    return str(get_args(model.model_fields["kind"].annotation)[0])


KINDS: tuple[str, ...] = tuple(map(kind_of, MODELS))


def prompts_of(node: AnyNode) -> list[tuple[tuple[str | int, ...], Any]]:
    """Every prompt that a node says itself, with its path inside the node."""
    found: list[tuple[tuple[str | int, ...], Any]] = [
        ((field,), value)
        for field in type(node).model_fields
        if field == "prompt" or field.endswith("_prompt")
        if (value := getattr(node, field)) is not None
    ]
    if isinstance(node, Survey):
        found += [
            (("questions", at, "prompt"), one.prompt) for at, one in enumerate(node.questions)
        ]
    return found
