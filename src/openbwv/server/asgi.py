"""The pages as one ASGI application, with the media door beside Django: bytes go round the framework."""

import gc
import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openbwv.server.settings")

from django.core.asgi import get_asgi_application

_pages = get_asgi_application()

from openbwv.server.vault.media import media_app  # noqa: E402  (needs Django set up)

gc.collect()
gc.freeze()  # what is loaded now lives as long as the process: no collection need walk over it again


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Send `/media/…` to the vault's raw callable and everything else to Django."""
    if scope["type"] == "http" and scope["path"].startswith("/media/"):
        await media_app(scope, receive, send)
    else:
        await _pages(scope, receive, send)
