"""Steps that tests of deletion share."""

from collections import Counter

HOUR_MS = 3_600_000


def approve(first, second, clock, *, days=31, least_days=7, **more):
    """Have two people bring a policy version into force."""
    from openbwv.server.retention.actions import approve_policy, propose_policy
    from openbwv.server.retention.second import note_opened

    version = propose_policy(
        days=days, least_days=least_days, reason="The force's rule", actor=first, session="one", clock=clock, **more
    )
    note_opened(what=f"policy:{version.number}", person=second, session="two", clock=clock)
    return approve_policy(version=version, reason="Read and agreed", actor=second, session="two", clock=clock)


def sweep_until(clock, until_ms, *, step_hours=12):
    """Move the clock in steps and run the job after each; return the sum of what the runs did."""
    from openbwv.server.retention.sweep import sweep

    done = Counter(sweep(clock))
    while clock.utc_ms() < until_ms:
        clock.advance(min(step_hours * HOUR_MS, until_ms - clock.utc_ms()))
        done.update(sweep(clock))
    return done
