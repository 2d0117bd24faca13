"""A person's sign-in at a dock's page: user name and password, with a limit on wrong ones.

The dock passes them on and keeps neither. Wrong tries are counted by user name, in this process,
so a dock that is lied to cannot be used to guess passwords.
"""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.core.cache import cache

from openbwv.server.fleet.errors import SignInFailed, TooManyTries
from openbwv.server.people.models import Person

MOST_WRONG = 5
WITHIN_S = 300


def sign_in(value: dict[str, Any]) -> Person:
    """Return who signed in with `username` and `password`; raises SignInFailed, TooManyTries."""
    username, password = str(value.get("username", ""))[:150], str(value.get("password", ""))[:1024]
    slot = f"dock-sign-in:{username.lower()}"
    if cache.get(slot, 0) >= MOST_WRONG:
        raise TooManyTries
    person = ModelBackend().authenticate(None, username=username, password=password)
    if not isinstance(person, Person):
        count_wrong(slot)
        raise SignInFailed
    cache.delete(slot)
    return person


def count_wrong(slot: str) -> None:
    """Count one wrong try for five minutes."""
    cache.add(slot, 0, WITHIN_S)
    cache.incr(slot)
