"""The app `trail`."""

from django.apps import AppConfig


class TrailConfig(AppConfig):
    """Where Django finds it."""

    name = "openbwv.server.trail"
    label = "trail"
