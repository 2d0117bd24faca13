"""Addresses of the home page, one's own account, and people."""

from django.urls import URLPattern, path

from openbwv.server.people import views

urlpatterns: list[URLPattern] = [
    path("", views.home, name="home"),
    path("account/me", views.own_account, name="own_account"),
    path("account/alive", views.alive, name="alive"),
    path("jobs/", views.jobs, name="jobs"),
    path("people/", views.people, name="people"),
    path("people/add", views.add_person, name="add_person"),
    path("people/<str:username>", views.change_person, name="change_person"),
    path("people/<str:username>/password", views.set_password, name="set_password"),
]
