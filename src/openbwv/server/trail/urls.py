"""Addresses of the custody log (C2SP tlog-tiles) and of each recording's trail."""

from django.urls import URLPattern, path

from openbwv.server.trail import views

urlpatterns: list[URLPattern] = [
    path("log/checkpoint", views.checkpoint, name="log_checkpoint"),
    path("log/tile/entries/<path:rest>", views.entry_bundle, name="log_entries"),
    path("log/tile/<path:rest>", views.hash_tile, name="log_tile"),
    path("recordings/<str:reference>/trail", views.recording_trail, name="recording_trail"),
    path("recordings/<str:reference>/trail.json", views.recording_trail_json, name="recording_trail_json"),
]
