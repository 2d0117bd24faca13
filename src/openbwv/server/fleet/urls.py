"""Addresses of `fleet`."""

from django.urls import URLPattern, path, re_path

from openbwv.server.fleet import views, write_off_views

KID = r"(?P<kid>[0-9a-f]{64})"

urlpatterns: list[URLPattern] = [
    path("fleet/", views.fleet, name="fleet"),
    path("fleet/invite-dock", views.invite, name="invite_dock"),
    path("fleet/enrol-dock", views.enrol_dock, name="enrol_dock"),
    path("fleet/assignments", views.assignments, name="assignments"),
    path("fleet/aside", views.asides, name="asides"),
    path("fleet/aside/<int:aside_id>/settle", views.settle, name="settle_aside"),
    re_path(rf"^fleet/cameras/{KID}$", views.camera_page, name="camera"),
    re_path(rf"^fleet/cameras/{KID}/write-off$", write_off_views.write_off, name="write_off"),
    re_path(rf"^fleet/cameras/{KID}/write-off/propose$", write_off_views.propose, name="propose_write_off"),
    path("fleet/write-offs", write_off_views.write_offs, name="write_offs"),
    path("fleet/write-offs/<int:write_off_id>/decide", write_off_views.decide, name="decide_write_off"),
    path("fleet/write-offs/<int:write_off_id>/withdraw", write_off_views.withdraw, name="withdraw_write_off"),
    path("fleet/write-offs/<int:write_off_id>/take-back", write_off_views.take_back, name="take_back_write_off"),
    re_path(rf"^fleet/docks/{KID}$", views.dock_page, name="dock"),
    re_path(rf"^fleet/(?P<kind>camera|dock)s/{KID}/revoke$", views.revoke, name="revoke"),
]
