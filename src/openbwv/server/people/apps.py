"""The app `people`."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Where Django finds it."""

    name = "openbwv.server.people"
    label = "people"
