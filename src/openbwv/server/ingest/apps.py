"""The app `ingest`."""

from django.apps import AppConfig


class IngestConfig(AppConfig):
    """Where Django finds it."""

    name = "openbwv.server.ingest"
    label = "ingest"
