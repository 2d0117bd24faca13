"""Addresses of `disclosure`: the public's under /ask/, staff's under /requests/."""

from django.urls import URLPattern, path

from openbwv.server.disclosure.views import ask, checks, follow, staff

urlpatterns: list[URLPattern] = [
    path("ask/", ask.start, name="ask"),
    path("ask/question/<slug:step>", ask.question, name="ask_question"),
    path("ask/check", ask.check, name="ask_check"),
    path("ask/send", ask.send, name="ask_send"),
    path("ask/follow", follow.sign_in, name="ask_sign_in"),
    path("ask/open/<str:reference>/<str:secret>", follow.open_link, name="ask_open"),
    path("ask/status", follow.status, name="ask_status"),
    path("ask/status/<slug:what>", follow.deed, name="ask_deed"),
    path("ask/download/<int:release_id>", follow.download, name="ask_download"),
    path("ask/outbox", follow.outbox, name="outbox"),
    path("requests/", staff.queue, name="requests"),
    path("requests/new", staff.enter, name="enter_request"),
    path("requests/<str:reference>", staff.request_page, name="request"),
    path("requests/<str:reference>/do/<slug:what>", staff.deed, name="request_deed"),
    path("requests/<str:reference>/matches/<int:match_id>", staff.decide_match, name="decide_match"),
    path("requests/<str:reference>/matches/<int:match_id>/copy", staff.plan, name="plan_release"),
    path("requests/<str:reference>/copies/<int:release_id>", checks.release_page, name="release"),
    path("requests/<str:reference>/copies/<int:release_id>/hand-over", checks.hand_over_page, name="hand_over"),
    path("requests/<str:reference>/copies/<int:release_id>/copy.mp4", checks.copy, name="release_copy"),
]
