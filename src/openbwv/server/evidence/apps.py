"""The app `evidence`."""

from django.apps import AppConfig


class EvidenceConfig(AppConfig):
    """Where Django finds it."""

    name = "openbwv.server.evidence"
    label = "evidence"
