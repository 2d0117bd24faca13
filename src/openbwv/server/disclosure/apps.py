"""The app `disclosure`."""

from django.apps import AppConfig


class DisclosureConfig(AppConfig):
    """Where Django finds it."""

    name = "openbwv.server.disclosure"
    label = "disclosure"
