"""The walk through database, files, log and keys: everything that should agree is compared; nothing is changed."""

from collections.abc import Iterable

from openbwv.server.checking.certificates_walk import walk_certificates
from openbwv.server.checking.deeds_walk import walk_deeds
from openbwv.server.checking.jobs_walk import heartbeats, walk_jobs
from openbwv.server.checking.keys_walk import walk_keys
from openbwv.server.checking.log_walk import walk_log
from openbwv.server.checking.receipts_walk import walk_receipts
from openbwv.server.checking.removals_walk import walk_removals
from openbwv.server.checking.result import Context, Disagreement, Heartbeat, Report, Walk
from openbwv.server.checking.vault_walk import walk_vault
from openbwv.shared.clock import Clock

__all__ = ["WALKS", "Context", "Disagreement", "Heartbeat", "Report", "Walk", "run_check"]

WALKS: dict[str, Walk] = {
    "log": walk_log,
    "deeds": walk_deeds,
    "receipts": walk_receipts,
    "certificates": walk_certificates,
    "removals": walk_removals,
    "keys": walk_keys,
    "jobs": walk_jobs,
    "vault": walk_vault,
}


def run_check(*, clock: Clock, media: bool = True, only: Iterable[str] = ()) -> Report:
    """Walk through everything, or through the rooms in `only`, and return what does not agree.

    `media=False` leaves out the hashing of stored footage, which reads every byte; the report says so.
    """
    report = Report(clock_utc_ms=clock.utc_ms())
    context = Context(clock_utc_ms=report.clock_utc_ms, media=media, looked_at=report.looked_at)
    chosen = set(only) or set(WALKS)
    for name, walk in WALKS.items():
        if name in chosen:
            report.disagreements += walk(context)
        else:
            report.left_out.append(name)
    if not media:
        report.left_out.append("hashing of stored footage")
    report.heartbeats = heartbeats()
    return report
