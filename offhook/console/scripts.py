"""Scripts in the toolkit's pages carry the word of their answer, so that no others need to run.

The toolkit writes scripts into each page by one template, and has no setting for such a word. So
the template is changed as it is loaded: where it begins a script, and where it takes over ours.
"""

from collections.abc import Callable

from jinja2 import BaseLoader, Environment
from nicegui.client import templates

from offhook.api.security import nonce

SCRIPT = "<script>"
"""How a script of ours in the head of every page begins."""
_MARKED = '<script nonce="{{ nonce() }}"'
_HEAD = "{{ head_html | safe }}"
_MARKED_HEAD = "{{ marked(head_html) | safe }}"


def mark_scripts() -> None:
    """Do so from the next page on."""
    environment = templates.env
    if isinstance(environment.loader, _Marking) or environment.loader is None:
        return
    environment.loader = _Marking(environment.loader)
    environment.globals.update(nonce=nonce, marked=_marked)
    if environment.cache is not None:
        environment.cache.clear()


class _Marking(BaseLoader):
    def __init__(self, inner: BaseLoader) -> None:
        self._inner = inner

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        source, name, fresh = self._inner.get_source(environment, template)
        return source.replace("<script", _MARKED).replace(_HEAD, _MARKED_HEAD), name, fresh


def _marked(head: str) -> str:
    return head.replace(SCRIPT, f'<script nonce="{nonce()}">')
