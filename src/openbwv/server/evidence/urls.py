"""Addresses of recordings. The reference is in the path; nothing personal is."""

from django.urls import URLPattern, path

from openbwv.server.evidence.views import deeds, downloads, library, page

urlpatterns: list[URLPattern] = [
    path("recordings/", library.library, name="library"),
    path("recordings/<str:reference>", page.recording_page, name="recording"),
    path("recordings/<str:reference>/thumbnail", page.thumbnail, name="thumbnail"),
    path("recordings/<str:reference>/watch", deeds.watch, name="watch"),
    path("recordings/<str:reference>/watch/<str:viewing>/leave", deeds.leave, name="leave_viewing"),
    path("recordings/<str:reference>/category", deeds.category, name="set_category"),
    path("recordings/<str:reference>/flag", deeds.flag, name="place_flag"),
    path("recordings/<str:reference>/flags/<int:flag_id>/remove", deeds.remove_flag, name="propose_flag_removal"),
    path("recordings/<str:reference>/hold", deeds.hold, name="place_hold"),
    path("recordings/<str:reference>/holds/<int:hold_id>/release", deeds.release_hold, name="release_hold"),
    path("recordings/<str:reference>/restrict", deeds.restrict, name="restrict"),
    path("recordings/<str:reference>/claim", deeds.claim, name="claim"),
    path("recordings/<str:reference>/export", deeds.export, name="export"),
    path("recordings/<str:reference>/downloads/<int:number>", downloads.download_page, name="download"),
    path("recordings/<str:reference>/downloads/<int:number>/fetch", downloads.fetch_download, name="fetch_download"),
]
