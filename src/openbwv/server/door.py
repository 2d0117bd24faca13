"""The door as granian loads it: Django's models without Django's request handling."""

import gc
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openbwv.server.settings")

import django

django.setup()

from openbwv.server.ingest.app import application  # noqa: E402  (needs Django set up)

gc.collect()
gc.freeze()  # what is loaded now lives as long as the process: no collection need walk over it again

__all__ = ["application"]
