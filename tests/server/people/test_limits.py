"""Wrong tries are counted in the database: for every process, and past a restart."""

import base64
import os
import pickle
import subprocess
import sys
from datetime import timedelta

import pytest
from allauth.account import app_settings
from allauth.core.internal.ratelimit import parse_rate

from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from openbwv.server.fleet.errors import SignInFailed, TooManyTries
from openbwv.server.fleet.sign_in import sign_in as at_the_dock
from openbwv.server.people.limit_cache import LONGEST_S, decode
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


def test_what_the_limits_and_one_time_codes_keep_comes_back_as_it_was(db):
    for value in ([], [1763750000.123456, 1763749999.5], True, "y"):
        cache.set("some", value, 60)
        assert cache.get("some") == value
    assert cache.get("other", "nothing") == "nothing"


@pytest.mark.parametrize(
    "value",
    [None, False, 5, 1.5, b"bytes", {"a": 1.0}, [1], [True], ["1.0"], [[1.0]], (1.0,), {1.0},
     [float("nan")], [float("inf")], [0.0] * 201, "y" * 9000],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_nothing_else_can_be_kept(db, value):
    for keep in (cache.set, cache.add):
        with pytest.raises((TypeError, ValueError)):
            keep("some", value, 60)
    assert not LimitCount.objects.exists()


def test_a_row_in_doubt_reaches_every_limit_there_is_and_none_counts_for_longer_than_is_kept():
    rates = [parse_rate(rate) for text in app_settings.RATE_LIMITS.values() for rate in (text or "").split(",") if rate]
    assert {5, 10, 30} <= {rate.amount for rate in rates}
    assert max(rate.amount for rate in rates) <= len(decode("?"))
    assert max(rate.duration for rate in rates) <= LONGEST_S


@pytest.mark.parametrize("timeout", [None, 3700])
def test_no_count_is_for_ever(db, timeout):
    for keep in (cache.set, cache.add):
        with pytest.raises(ValueError, match="at most 3600 seconds"):
            keep("some", [1.0], timeout)


class Opens:
    """What `pickle.loads` would run."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_an_object_in_the_table_is_not_brought_to_life_and_counts_as_a_limit_reached(units, avery, tmp_path):
    """It says that there were tries and not how many: in doubt there is no further one until its time is over."""
    made = tmp_path / "made"
    text = base64.b64encode(pickle.dumps(Opens(str(made)))).decode()
    with pytest.raises(SignInFailed):
        at_the_dock({"username": "avery", "password": "wrong"})
    row = LimitCount.objects.get()
    LimitCount.objects.update(value=text)
    with pytest.raises(TooManyTries):
        at_the_dock({"username": "avery", "password": cast.PASSWORD})
    assert LimitCount.objects.get().value == text
    assert not made.exists()
    pickle.loads(base64.b64decode(text)).close()
    assert made.exists()  # so this test could have failed
    LimitCount.objects.filter(pk=row.pk).update(expires=timezone.now())
    assert at_the_dock({"username": "avery", "password": cast.PASSWORD}) == avery


@pytest.mark.parametrize(
    "text",
    ["", "[", "null", "7", "[NaN]", "[1e999]", "[" * 8000, "[" * 9000, '{"a": 1}'],
    ids=["empty", "cut", "null", "number", "nan", "infinite", "deep", "long", "map"],
)
def test_other_texts_in_the_table_count_as_a_limit_reached(units, avery, text):
    with pytest.raises(SignInFailed):
        at_the_dock({"username": "avery", "password": "wrong"})
    LimitCount.objects.update(value=text)
    with pytest.raises(TooManyTries):
        at_the_dock({"username": "avery", "password": cast.PASSWORD})


def test_only_one_adds_and_it_can_be_added_again_when_its_time_is_over(db):
    assert cache.add("some", True, 60)
    assert not cache.add("some", True, 60)
    LimitCount.objects.update(expires=timezone.now())
    assert cache.get("some") is None
    assert cache.add("some", "y", 60)
    assert cache.get("some") == "y"
    assert cache.delete("some")
    assert not cache.delete("some")


def test_a_count_is_kept_for_longer_only_while_it_counts(db):
    cache.set("some", [1.0], 60)
    before = LimitCount.objects.get().expires
    assert cache.touch("some", 600)
    assert LimitCount.objects.get().expires > before
    LimitCount.objects.update(expires=timezone.now())
    assert not cache.touch("some", 600)


def test_rows_whose_time_is_over_go_and_no_flood_of_strangers_takes_one_that_counts(db):
    now = timezone.now()
    rows = [
        LimitCount(cache_key=f"{kind} {number}", value="[1.0]", expires=now + timedelta(seconds=left_s))
        for kind, left_s in (("over", -1), ("counts", 60))
        for number in range(150 if left_s < 0 else 1000)
    ]
    LimitCount.objects.bulk_create(rows)
    cache.set("one-more", [1.0], 60)
    assert LimitCount.objects.filter(cache_key__startswith="over").count() == 50
    cache.set("and-another", [1.0], 60)
    assert LimitCount.objects.count() == 1002
    assert not LimitCount.objects.filter(expires__lte=now).exists()
