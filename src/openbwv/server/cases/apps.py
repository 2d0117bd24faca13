"""The app `cases`."""

from django.apps import AppConfig


class CasesConfig(AppConfig):
    """Where Django finds it."""

    name = "openbwv.server.cases"
    label = "cases"
