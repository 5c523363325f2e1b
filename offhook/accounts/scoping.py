"""What a supervisor sees: filters for queries, and the same question about one thing.

What is outside somebody's scope does not exist for them: lists leave it out, and asking for it by
id has the answer that a wrong id has.
"""

from typing import Any, TypeVar

from sqlalchemy import ARRAY, ColumnElement, Select, Text, cast, false, true

from offhook.accounts.principal import Of, Principal

Rows = TypeVar("Rows", bound=Select[Any])


def scoped(
    query: Rows,
    principal: Principal,
    *,
    campaign: ColumnElement[Any] | None = None,
    queue: ColumnElement[Any] | None = None,
    group: ColumnElement[Any] | None = None,
    groups: ColumnElement[Any] | None = None,
) -> Rows:
    """The query, without what is outside the principal's scope.

    Say by which columns the rows belong to a campaign (its id), a queue or a group of agents (by
    name); `groups` is a column with an array of groups, one of which is enough. A row that belongs
    to none where the scope names some is left out.
    """
    return query.where(
        in_scope(principal, campaign=campaign, queue=queue, group=group, groups=groups)
    )


def in_scope(
    principal: Principal,
    *,
    campaign: ColumnElement[Any] | None = None,
    queue: ColumnElement[Any] | None = None,
    group: ColumnElement[Any] | None = None,
    groups: ColumnElement[Any] | None = None,
) -> ColumnElement[bool]:
    """The condition of `scoped` by itself."""
    scope = principal.scope
    rule: ColumnElement[bool] = true()
    for names, column in (
        (scope.campaigns, campaign),
        (scope.queues, queue),
        (scope.groups, group),
    ):
        if names is not None and column is not None:
            rule = rule & (column.in_(names) if names else false())
    if scope.groups is not None and groups is not None:
        rule = rule & groups.op("&&", is_comparison=True)(cast(list(scope.groups), ARRAY(Text)))
    return rule


def require_seen(
    principal: Principal,
    missing: Exception,
    *,
    campaign: Of = ...,
    queue: Of = ...,
    group: Of = ...,
) -> None:
    """Raise `missing`, which is what a wrong id raises, for what is outside the scope."""
    if not principal.scope.has(campaign=campaign, queue=queue, group=group):
        raise missing
