"""The app `fleet`."""

from django.apps import AppConfig


class FleetConfig(AppConfig):
    """Where Django finds it."""

    name = "openbwv.server.fleet"
    label = "fleet"
