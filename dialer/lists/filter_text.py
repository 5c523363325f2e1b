"""Filters as people write them: `region == "North" and age > 40 and consent != null`.

The grammar is rule-engine's; of what it can say only that is taken which means the same in a
database: comparisons of an attribute with a literal, membership, `and`, `or`, `not`.
"""

from collections.abc import Iterable
from datetime import datetime, time
from decimal import Decimal
from functools import lru_cache, reduce

from rule_engine import Rule, ast
from rule_engine.errors import EngineError, RuleSyntaxError

from dialer.lists.filters import (
    Both,
    Compared,
    Constant,
    Contains,
    Either,
    Filter,
    Known,
    Literal,
    Not,
    Operator,
)
from dialer.rejections import Rejected

MAX_TEXT = 2_000
MAX_NUMBER = Decimal(10) ** 15
ATTRIBUTE = "attribute"
"""`attribute["Zip code"]` names an attribute that is no single word."""

_TURNED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq", "ne": "ne"}


class BadFilter(Rejected):
    """A filter that can't be understood, with the place that can't."""

    code = "bad_filter"

    def __init__(self, text: str, problem: str, *, at: int | None = None) -> None:
        place = len(text) if at is None else at
        shown = text[place : place + 20]
        where = f"at character {place + 1}, {shown!r}" if shown else "at its end"
        super().__init__(
            f"the filter can't be understood {where}: {problem}; "
            'write for instance region == "North" and age > 40'
        )
        self.place = place


@lru_cache(maxsize=256)
def parse_filter(text: str) -> Filter:
    """The filter that a text means; an empty one lets everybody through."""
    if not text.strip():
        return Constant(value=True)
    if len(text) > MAX_TEXT:
        raise BadFilter(text, f"it is longer than {MAX_TEXT} characters", at=MAX_TEXT)
    try:
        expression = Rule(text).statement.expression
        return _Reader(text).condition(expression)
    except RuleSyntaxError as error:
        place = None if error.token is None else error.token.lexpos
        raise BadFilter(text, "this isn't expected here", at=place) from None
    except EngineError as error:
        said = str(getattr(error, "value", ""))
        raise BadFilter(text, error.message, at=max(0, text.find(said))) from None
    except RecursionError:
        raise BadFilter(text, "it is nested too deeply", at=0) from None


class _Reader:
    """Turns a parsed expression into a filter, refusing what no database could answer."""

    def __init__(self, text: str) -> None:
        self._text = text

    def condition(self, found: ast.ExpressionBase) -> Filter:
        match found:
            case ast.BooleanExpression():
                return Constant(value=bool(found.value))
            case ast.LogicExpression():
                join = Both if found.type == "and" else Either
                return join(self.condition(found.left), self.condition(found.right))
            case ast.UnaryExpression() if found.type == "not":
                return Not(self.condition(found.right))
            case ast.FuzzyComparisonExpression():
                raise self._refused(found, "patterns aren't possible")
            case ast.ComparisonExpression():
                return self._comparison(found)
            case ast.ContainsExpression():
                return self._membership(found)
            case ast.SymbolExpression():
                raise self._refused(
                    found, f"say what {found.name} is compared with, as {found.name} != null"
                )
            case _:
                raise self._refused(found, "only comparisons of attributes are possible")

    def _comparison(self, found: ast.ComparisonExpression) -> Filter:
        name, operation, other = self._name(found.left), found.type, found.right
        if name is None:
            name, operation, other = self._name(found.right), _TURNED[operation], found.left
        if name is None:
            raise self._refused(found.left, "one side must be an attribute")
        if isinstance(other, ast.NullExpression):
            if operation not in ("eq", "ne"):
                raise self._refused(found, "only == null and != null make sense")
            return Known(name) if operation == "ne" else Not(Known(name))
        literal = self._literal(other)
        if isinstance(literal, bool) and operation not in ("eq", "ne"):
            raise self._refused(found, "true and false have no order")
        if operation == "ne":
            return Not(Compared(name, Operator.eq, literal))
        return Compared(name, Operator(operation), literal)

    def _membership(self, found: ast.ContainsExpression) -> Filter:
        name = self._name(found.member)
        if name is not None and isinstance(found.container, ast.ArrayExpression):
            members = [self._literal(one) for one in found.container.value]
            return _any_of(Compared(name, Operator.eq, member) for member in members)
        name = self._name(found.container)
        if name is None or not isinstance(found.member, ast.StringExpression):
            raise self._refused(found, 'write region in ["North", "South"] or "vip" in notes')
        return Contains(name, self._text_of(found.member))

    def _name(self, found: ast.ExpressionBase) -> str | None:
        if isinstance(found, ast.SymbolExpression):
            return str(found.name)
        named = isinstance(found, ast.GetItemExpression)
        if named and self._is_attribute(found) and isinstance(found.item, ast.StringExpression):
            return self._text_of(found.item)
        return None

    def _is_attribute(self, found: ast.GetItemExpression) -> bool:
        symbol = found.container
        return isinstance(symbol, ast.SymbolExpression) and symbol.name == ATTRIBUTE

    def _literal(self, found: ast.ExpressionBase) -> Literal:
        match found:
            case ast.StringExpression():
                return self._text_of(found)
            case ast.BooleanExpression():
                return bool(found.value)
            case ast.FloatExpression():
                number = Decimal(found.value)
                if not abs(number) < MAX_NUMBER:
                    raise self._refused(found, "the number is too large")
                return number
            case ast.DatetimeExpression():
                return self._date(found)
            case _:
                raise self._refused(found, "the other side must be a text, number, date or null")

    def _date(self, found: ast.DatetimeExpression) -> Literal:
        moment: datetime = found.value
        if moment.time() != time(0):
            raise self._refused(found, "compare with a day, without a time")
        return moment.date()

    def _text_of(self, found: ast.StringExpression) -> str:
        text = str(found.value)
        try:
            text.encode()
        except UnicodeEncodeError:
            text = "\0"
        if "\0" in text:
            raise self._refused(found, "the text has characters that no attribute can have")
        return text

    def _refused(self, found: ast.ExpressionBase, problem: str) -> BadFilter:
        """A refusal that points at the first word of the part it is about, where that is known."""
        for name in ("name", "value"):
            word = getattr(found, name, None)
            at = self._text.find(str(word)) if isinstance(word, str | Decimal) else -1
            if at >= 0:
                return BadFilter(self._text, problem, at=at)
        for name in ("left", "member", "container", "right", "function", "object"):
            inner = getattr(found, name, None)
            if isinstance(inner, ast.ExpressionBase):
                return self._refused(inner, problem)
        return BadFilter(self._text, problem, at=0)


def _any_of(members: Iterable[Filter]) -> Filter:
    found = list(members)
    return reduce(Either, found) if found else Constant(value=False)
