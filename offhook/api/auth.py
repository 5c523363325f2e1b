"""Who asks, and whether he may: bearer tokens with scopes."""

from typing import Annotated

from fastapi import Depends
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from offhook.api.problems import NotAuthenticated, ScopeMissing
from offhook.api.services import Svc
from offhook.storage.token_store import Scope

_BEARER = HTTPBearer(auto_error=False, description="A token of `offhook token create`.")
_Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]


class Requires:
    """A dependency that lets nobody through whose token lacks a scope."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(self, services: Svc, credentials: _Credentials) -> None:
        """Raise `NotAuthenticated` or `ScopeMissing`."""
        if credentials is None:
            raise NotAuthenticated
        token = await services.tokens.known(credentials.credentials, now=services.clock())
        if token is None:
            raise NotAuthenticated
        if self.scope not in token.scopes:
            raise ScopeMissing(self.scope)


CanRead = Depends(Requires(Scope.callbacks_read))
CanWrite = Depends(Requires(Scope.callbacks_write))


def scope_of(route: APIRoute) -> Scope | None:
    """The scope that a route asks for; None when it asks for none."""
    for dependency in route.dependant.dependencies:
        if isinstance(dependency.call, Requires):
            return dependency.call.scope
    return None
