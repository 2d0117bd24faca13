"""A second person: another account, in another session, who has opened what they approve (R3)."""

import hashlib
from typing import Any

from openbwv.server.clock import utc
from openbwv.server.people.models import Person
from openbwv.server.retention.errors import SecondPersonNeeded
from openbwv.server.retention.models import Opened
from openbwv.shared.clock import Clock

COMMAND_LINE = "command line"


def session_of(request: Any) -> str:
    """Return a hash of the sign-in's session; the key itself is a secret and is not stored."""
    key = request.session.session_key or ""
    return hashlib.sha256(f"session:{key}".encode()).hexdigest() if key else ""


def session_of_command(person: Person) -> str:
    """Return what stands for a session when somebody acts on the command line."""
    return hashlib.sha256(f"{COMMAND_LINE}:{person.pk}".encode()).hexdigest()


def note_opened(*, what: str, person: Person, session: str, clock: Clock) -> None:
    """Remember that `person` has opened the page of `what`, such as "policy:3"."""
    Opened.objects.get_or_create(what=what, person=person, session=session, defaults={"opened_utc": utc(clock)})


def require_second(*, what: str, first: Person | None, first_session: str, person: Person, session: str) -> None:
    """Raise SecondPersonNeeded unless `person` in `session` may be the second for what `first` began."""
    if first is not None and first.pk == person.pk:
        raise SecondPersonNeeded(
            what="You began this yourself, so you cannot be the second person.",
            remedy="Ask somebody else who has the right to open it and decide.",
            rule="two-people",
        )
    if not session or session == first_session:
        raise SecondPersonNeeded(
            what="The second person must act in a sign-in of their own.",
            remedy="Sign in on your own device or browser, open it there and decide.",
            rule="two-people",
        )
    if not Opened.objects.filter(what=what, person=person, session=session).exists():
        raise SecondPersonNeeded(
            what="You have not opened what you are about to approve.",
            remedy="Open it and read or watch it first; only then decide.",
            rule="two-people",
        )
