"""Addresses of `fleet`."""

from django.urls import URLPattern, path, re_path

from openbwv.server.fleet import views

KID = r"(?P<kid>[0-9a-f]{64})"

urlpatterns: list[URLPattern] = [
    path("fleet/", views.fleet, name="fleet"),
    path("fleet/invite-dock", views.invite, name="invite_dock"),
    path("fleet/enrol-dock", views.enrol_dock, name="enrol_dock"),
    path("fleet/assignments", views.assignments, name="assignments"),
    path("fleet/aside", views.asides, name="asides"),
    path("fleet/aside/<int:aside_id>/settle", views.settle, name="settle_aside"),
    re_path(rf"^fleet/cameras/{KID}$", views.camera_page, name="camera"),
    re_path(rf"^fleet/docks/{KID}$", views.dock_page, name="dock"),
    re_path(rf"^fleet/(?P<kind>camera|dock)s/{KID}/revoke$", views.revoke, name="revoke"),
]
