"""The app `vault`."""

from django.apps import AppConfig


class VaultConfig(AppConfig):
    """Where Django finds it."""

    name = "openbwv.server.vault"
    label = "vault"
