"""The app `retention`."""

from django.apps import AppConfig


class RetentionConfig(AppConfig):
    """Where Django finds it."""

    name = "openbwv.server.retention"
    label = "retention"
