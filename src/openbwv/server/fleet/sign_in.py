"""A person's sign-in at a dock's page: user name and password, with a limit on wrong ones.

The dock passes them on and keeps neither. Tries are counted by user name and before the password is looked at, so that
a dock that is lied to cannot be used to guess passwords, not even many at once; the right one forgets them.
"""

from typing import Any

from allauth.core import ratelimit

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from openbwv.server.fleet.errors import SignInFailed, TooManyTries
from openbwv.server.people.models import Person

LIMIT = "dock_sign_in"


def sign_in(value: dict[str, Any]) -> Person:
    """Return who signed in with `username` and `password`; raises SignInFailed, TooManyTries."""
    username, password = str(value.get("username", ""))[:150], str(value.get("password", ""))[:1024]
    nobody, key = HttpRequest(), username.lower()  # the door's requests are not Django's; the limit needs the name only
    if not ratelimit.consume(nobody, action=LIMIT, key=key):
        raise TooManyTries
    person = ModelBackend().authenticate(None, username=username, password=password)
    if not isinstance(person, Person):
        raise SignInFailed
    ratelimit.clear(nobody, action=LIMIT, key=key)
    return person
