"""Every page's address. An app adds its own in its `urls.py`; bytes of footage go through `/media/` (see asgi.py)."""

from importlib import import_module

from django.conf import settings
from django.urls import include, path


def _app_urls() -> list:
    """Return an include for each of our apps that has pages."""
    return [path("", include(f"{name}.urls")) for name in settings.OUR_APPS if hasattr(_urls(name), "urlpatterns")]


def _urls(name: str) -> object:
    return import_module(f"{name}.urls")


urlpatterns = [path("account/", include("openbwv.server.people.sign_in")), *_app_urls()]
handler400 = "openbwv.server.errors.bad_request"
handler403 = "openbwv.server.errors.forbidden"
handler404 = "openbwv.server.errors.not_found"
handler500 = "openbwv.server.errors.broken"
