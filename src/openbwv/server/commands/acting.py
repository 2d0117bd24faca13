"""`--as PERSON --reason TEXT`: a command does a deed with that person's rights, and its event says so (ruling R14)."""

import argparse
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from openbwv.recording.errors import EXIT_BAD_DATA, EXIT_USAGE, BwvError


class NoSuchPerson(BwvError):
    """`--as` names nobody who may act."""

    code = "no-such-person"
    http_status = 404
    exit_code = EXIT_USAGE


class NoSuchRecording(BwvError):
    """A command names a recording that is not here."""

    code = "no-such-recording"
    http_status = 404
    exit_code = EXIT_BAD_DATA


def add_acting(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Give `parser` the options `--as PERSON` and `--reason TEXT`."""
    parser.add_argument("--as", dest="as_person", required=required, metavar="PERSON", help="user name of who does it")
    parser.add_argument("--reason", required=required, default="", metavar="TEXT", help="why; it is logged")


def acting_person(username: str) -> Any:
    """Return the active person of that user name; raises NoSuchPerson."""
    from openbwv.server.people.models import Person

    person = Person.objects.filter(username=username, is_active=True).first()
    if person is None:
        raise NoSuchPerson(what=f"There is no person '{username}'.", remedy="./bwv person list shows who there is.")
    return person


def recording_named(text: str) -> Any:
    """Return the recording with that reference or identifier; raises NoSuchRecording."""
    from openbwv.server.evidence.models import Recording

    found = Recording.objects.filter(reference=text.upper()).first()
    if found is None:
        try:
            found = Recording.objects.filter(pk=uuid.UUID(text)).first()
        except ValueError:
            found = None
    if found is None:
        raise NoSuchRecording(
            what=f"There is no recording '{text}' here.", remedy="Give its reference, such as BWV-2026-000412."
        )
    return found


@contextmanager
def refusals_logged(person: Any, *, deed: str, recording: Any = None) -> Iterator[None]:
    """Write the event of a refusal (an error with HTTP status 403) in a transaction of its own, and raise it on."""
    from openbwv.server.people.pages import log_refusal

    try:
        yield
    except BwvError as error:
        if error.http_status == 403:
            log_refusal(person, error, recording=recording, deed=deed)
        raise
