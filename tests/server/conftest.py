"""The cast as fixtures, for every test of the server."""

import pytest

from tests.server import cast
from tests.server.force_files import force_files  # noqa: F401  a fixture


@pytest.fixture
def units(db):
    """Return the boroughs and specialist units by code."""
    return cast.units()


def _fixture(name: str):
    def person(units):
        return cast.person(name)

    person.__doc__ = f"Return {name.capitalize()}: {cast.CAST[name].title}."
    return pytest.fixture(person, name=name)


avery, noor, blake, casey, kim, devi = map(_fixture, ("avery", "noor", "blake", "casey", "kim", "devi"))
gale, harper, indra, jules, lou, frankie = map(_fixture, ("gale", "harper", "indra", "jules", "lou", "frankie"))


@pytest.fixture
def as_person(client):
    """Return a function that signs the test client in as a person."""

    def sign_in(person):
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return sign_in
