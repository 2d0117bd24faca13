"""Addresses of matters."""

from django.urls import URLPattern, path

from openbwv.server.cases import views

urlpatterns: list[URLPattern] = [
    path("matters/", views.matters, name="matters"),
    path("matters/open", views.open_matter, name="open_matter"),
    path("matters/<int:matter_id>", views.matter_page, name="matter"),
    path("matters/<int:matter_id>/members", views.add_member, name="add_member"),
    path("matters/<int:matter_id>/close", views.close_matter, name="close_matter"),
]
