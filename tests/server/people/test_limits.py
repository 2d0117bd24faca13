"""Wrong tries are counted in the database: for every process, and past a restart."""

import os
import subprocess
import sys

import pytest

from django.core.cache import caches
from django.db import connection

from openbwv.server.fleet.errors import SignInFailed, TooManyTries
from openbwv.server.fleet.sign_in import sign_in as at_the_dock
from openbwv.server.people.models import LimitCount
from tests.server import cast

ANOTHER_PROCESS = """
import django
django.setup()
from django.test import Client
from openbwv.server.fleet.errors import TooManyTries
from openbwv.server.fleet.sign_in import sign_in

def page(username):
    data = {"login": username, "password": "another wrong one"}
    return b"Too many failed" in Client(SERVER_NAME="localhost").post("/account/login/", data).content

def dock(username):
    try:
        sign_in({"username": username, "password": "another wrong one"})
    except TooManyTries:
        return True
    except Exception as other:
        return other.code

print(page("avery"), page("gale"), dock("avery"), dock("gale"))
"""


@pytest.mark.sqlite
def test_tries_in_one_process_count_in_another(transactional_db, client):
    cast.units()
    cast.person("avery"), cast.person("gale")
    for _ in range(5):
        client.post("/account/login/", {"login": "avery", "password": "wrong"}, SERVER_NAME="localhost")
        with pytest.raises(SignInFailed):
            at_the_dock({"username": "avery", "password": "wrong"})
    database = {"DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}"}
    more = {"DJANGO_SETTINGS_MODULE": "openbwv.server.settings"}
    command = [sys.executable, "-c", ANOTHER_PROCESS]
    said = subprocess.run(command, env=os.environ | database | more, check=True, capture_output=True, text=True).stdout
    assert said.split() == ["True", "False", "True", SignInFailed.code]


def test_five_wrong_tries_at_a_dock_and_the_right_password_waits_until_they_are_old(units, avery):
    for spelling in ("avery", "AVERY", "Avery", "aVery", "avery"):
        with pytest.raises(SignInFailed):
            at_the_dock({"username": spelling, "password": "wrong"})
    with pytest.raises(TooManyTries):
        at_the_dock({"username": "avery", "password": cast.PASSWORD})
    LimitCount.objects.all().delete()  # as five minutes do
    assert at_the_dock({"username": "avery", "password": cast.PASSWORD}) == avery


def test_signing_in_at_a_dock_forgets_the_tries_before(units, avery):
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(SignInFailed):
                at_the_dock({"username": "avery", "password": "wrong"})
        assert at_the_dock({"username": "avery", "password": cast.PASSWORD}) == avery


def test_no_flood_of_strangers_makes_room_by_forgetting_a_count(db):
    """Past its room the cache throws entries away, counts that still hold among them."""
    assert caches["default"]._max_entries >= 100_000
