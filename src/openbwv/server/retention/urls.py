"""Addresses of `retention`."""

from django.urls import URLPattern, path

from openbwv.server.retention.views import certificates, decisions, overview, policy

urlpatterns: list[URLPattern] = [
    path("retention/", overview.overview, name="retention"),
    path("retention/confirm-clock", overview.confirm_clock, name="confirm_clock"),
    path("retention/soon", overview.soon, name="deleted_soon"),
    path("retention/policy", policy.policies, name="policies"),
    path("retention/policy/propose", policy.propose, name="propose_policy"),
    path("retention/policy/<int:number>", policy.policy, name="policy"),
    path("retention/policy/<int:number>/approve", policy.approve, name="approve_policy"),
    path("retention/policy/<int:number>/withdraw", policy.withdraw, name="withdraw_policy"),
    path("retention/decisions", decisions.decisions, name="decisions"),
    path("retention/flags/<int:removal_id>", decisions.flag_removal, name="flag_removal"),
    path("retention/holds/<int:hold_id>", decisions.hold_release, name="hold_release"),
    path("retention/early", decisions.early, name="propose_early"),
    path("retention/early/<int:deletion_id>", decisions.early_deletion, name="early_deletion"),
    path("retention/certificates/<str:reference>", certificates.certificate, name="certificate"),
    path(
        "retention/certificates/<str:reference>/phase<int:phase>.cbor",
        certificates.certificate_file,
        name="certificate_file",
    ),
]
