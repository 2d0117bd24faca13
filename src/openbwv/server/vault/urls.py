"""Addresses of `vault`. Footage itself leaves by `media`, beside Django."""

from django.urls import path

from openbwv.server.vault import views

urlpatterns = [path("backup", views.backup, name="backup")]
