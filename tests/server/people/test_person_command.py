"""`./bwv person`: every deed needs a person with the right and a reason, and is logged with both."""

import io
import json

import pytest

from openbwv.command import run
from openbwv.custody import EventType
from openbwv.server.commands import person as command
from openbwv.server.people.models import Person, Unit
from openbwv.server.trail.models import Event

AS_LOU = ["--as", "lou", "--reason", "new starter"]


@pytest.fixture
def bwv(units, lou, clock, monkeypatch, capsys):
    """Return a function that runs the command on the test database: (exit code, output, errors)."""
    monkeypatch.setattr(command, "boot", lambda state: None)

    def call(*arguments, typed="a very long password\n"):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        try:
            code = run(command.main, list(arguments))
        except SystemExit as stop:
            code = stop.code
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return call


def test_add_and_list_as_json(bwv):
    code, out, _ = bwv(
        "add",
        "quinn",
        "--name",
        "PC Quinn",
        "--role",
        "officer",
        "--unit",
        "brent",
        "--password-stdin",
        "--json",
        *AS_LOU,
    )
    assert code == 0
    row = {"username": "quinn", "name": "PC Quinn", "unit": "brent", "roles": ["officer"], "active": True}
    assert json.loads(out) == row
    assert row in json.loads(bwv("list", "--json")[1])
    event = Event.objects.get(type=EventType.ACCOUNT)
    assert (event.why, event.actor.username) == ("new starter", "lou")
    assert Person.objects.get(username="quinn").check_password("a very long password")


def test_set_password_and_unit(bwv, avery):
    assert bwv("set", "avery", "--role", "officer", "--role", "supervisor", "--unit", "camden", *AS_LOU)[0] == 0
    assert Person.objects.get(username="avery").role_codes == {"officer", "supervisor"}
    assert bwv("set", "avery", "--close", *AS_LOU)[0] == 0
    assert not Person.objects.get(username="avery").is_active
    assert bwv("password", "avery", "--password-stdin", *AS_LOU)[0] == 0
    assert bwv("unit", "River police", *AS_LOU)[0] == 0
    assert Unit.objects.get(code="river-police").kind == "specialist"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["add", "x", "--name", "X", "--password-stdin", "--as", "avery", "--reason", "r"], 77, "You may not do this"),
        (["add", "x", "--name", "X", "--password-stdin", "--as", "nobody", "--reason", "r"], 77, "Nobody of that name"),
        (["add", "x", "--name", "X", "--password-stdin", "--as", "lou", "--reason", " "], 77, "no reason"),
        (["add", "lou", "--name", "X", "--password-stdin", *AS_LOU], 64, "already an account"),
        (["add", "x", "--name", "X", "--role", "king", "--password-stdin", *AS_LOU], 64, "no role 'king'"),
        (["add", "x", "--name", "X", "--unit", "mars", "--password-stdin", *AS_LOU], 64, "no unit 'mars'"),
        (["set", "ghost", "--close", *AS_LOU], 64, "no account 'ghost'"),
        (["set", "lou", "--role", "records", *AS_LOU], 77, "cannot change your own"),
        (["add", "x"], 64, "required"),
        ([], 64, "required"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_done(bwv, avery, arguments, code, words):
    before = Person.objects.count()
    got, _, errors = bwv(*arguments)
    assert (got, words in errors) == (code, True), errors
    assert Person.objects.count() == before


def test_a_refusal_is_logged(bwv, avery):
    bwv("unit", "River police", "--as", "avery", "--reason", "r")
    assert Event.objects.get(type=EventType.REFUSED).actor == avery


def test_without_a_terminal_it_says_how_to_give_the_password(bwv, monkeypatch):
    def no_terminal(_prompt):
        raise EOFError

    monkeypatch.setattr(command.getpass, "getpass", no_terminal)
    code, _, err = bwv("add", "quinn", "--name", "PC Quinn", *AS_LOU)
    assert code == 77
    assert "--password-stdin" in err
    assert not Person.objects.filter(username="quinn").exists()
