"""What a matching came to: links by tier, why recordings are missing, late starts, early stops, muted minutes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from openbwv.studies.activation import pretend, rates, truth
from openbwv.studies.activation.attended import EARLY, LATE, NO_MEANS, REASONS, Limits, attendances
from openbwv.studies.activation.match import DECIDERS, IDENTITY, NO_TIER, TIERS, Matches, Rules, match
from openbwv.studies.activation.suppress import THRESHOLD, hide
from openbwv.studies.importers.records import LONDON

NO_BREACH = "An attendance without a recording is not a breach: records and this matcher err, and policies leave room."


def summarise(
    matches: Matches, attended: pd.DataFrame, *, limits: Limits, threshold: int = THRESHOLD
) -> dict[str, Any]:
    """Return the counts of a matching as plain values; small ones about attendances are suppressed."""
    links = matches.links
    many = len(links.tier)
    tiers = [
        {"tier": tier, "meaning": meaning, "n": int((links.tier == tier).sum())}
        for tier, meaning in (TIERS | {NO_TIER: "no incident found"}).items()
    ]
    for each in tiers:
        each["share"] = each["n"] / many if many else None
    able = attended[attended["eligible"]]
    return {
        "label": "descriptive, not randomised",
        "note": NO_BREACH,
        "rules": matches.rules.as_dict() | limits.as_dict(),
        "recordings": many,
        "incidents": len(matches.incident_ids),
        "attendances": len(attended),
        "tiers": tiers,
        "numbers_cleaned": int((links.cleaned & (links.tier == IDENTITY)).sum()),
        "shared": int((matches.shared >= 0).sum()),
        "several_candidates": int((links.candidates > 1).sum()),
        "decided_by": {word: int((links.decider == place).sum()) for place, word in enumerate(DECIDERS) if word},
        "problems": links.problems,
        "recorded": rates.suppressed(
            [
                rates.row("all attendances", len(attended), int(attended["recorded"].sum())),
                rates.row("with a camera, as far as known", len(able), int(able["recorded"].sum())),
            ],
            threshold=threshold,
        ),
        "camera_not_known": int((attended["camera"] == "not known").sum()),
        "reasons": reasons(attended, threshold=threshold),
        "quality": quality(attended, limits, threshold=threshold),
        "groups": _groups(able, threshold),
    }


def reasons(attended: pd.DataFrame, *, threshold: int = THRESHOLD) -> list[dict[str, Any]]:
    """Return how many attendances each reason explains, in the order of the taxonomy."""
    found = attended["reason"].value_counts()
    counts = np.array([[int(found.get(reason, 0))] for reason in REASONS])
    small, also = hide(counts, threshold=threshold)
    total = max(len(attended), 1)
    return [
        {
            "reason": reason,
            "n": None if small[place] or also[place] else int(counts[place, 0]),
            "share": None if small[place] or also[place] else counts[place, 0] / total,
            "could_not_record": reason in NO_MEANS,
        }
        for place, reason in enumerate(REASONS)
    ]


def quality(attended: pd.DataFrame, limits: Limits, *, threshold: int = THRESHOLD) -> list[dict[str, Any]]:
    """Return of the recorded attendances how many began late, ended early or were muted, and by how much."""
    seen = attended[attended["recorded"]]
    rows = []
    for what, column, least in (
        (LATE, "late_s", limits.late_s),
        (EARLY, "early_s", limits.early_s),
        ("muted for a time", "muted_s", 0),
    ):
        known = seen[column].dropna()
        over = known[known > least]
        row = rates.suppressed([rates.row(what, len(known), len(over))], threshold=threshold)[0]
        shown = not row["suppressed"] and len(over) > 0
        rows.append(
            {
                "what": what,
                "recorded_attendances": row["n"],
                "count": row["recorded"],
                "share": row["share"],
                "low": row["low"],
                "high": row["high"],
                "median_s": float(over.median()) if shown else None,
                "minutes": float(over.sum() / 60) if shown else None,
                "suppressed": row["suppressed"],
            }
        )
    return rows


def _groups(able: pd.DataFrame, threshold: int) -> dict[str, list[dict[str, Any]]]:
    """Return shares of attendances with a camera by type, place, subject ethnicity and local hour."""
    recorded = able["recorded"].to_numpy()
    out = {
        name: rates.by(able[name].astype(object), recorded, threshold=threshold)
        for name in ("type", "place", "ethnicity")
        if name in able
    }
    hour = able["start_utc"].dt.tz_convert(LONDON).dt.hour
    return out | {"hour": rates.by([int(each) for each in hour], recorded, threshold=threshold)}


def own_score(*, seed: int, rules: Rules, force: pretend.Force | None = None) -> dict[str, Any]:
    """Return how often the matcher is right with these rules on the pretend force of `seed`."""
    made = pretend.make(force, seed=seed)
    return scored(made.recordings, made.incidents, made.truth, rules=rules)


def scored(recordings: pd.DataFrame, incidents: pd.DataFrame, known: pd.DataFrame, *, rules: Rules) -> dict[str, Any]:
    """Match and compare with what is known to be true."""
    matches = match(recordings, incidents, rules=rules)
    return truth.score(matches, known, attendances(matches)).as_dict()


def links_table(matches: Matches) -> pd.DataFrame:
    """Return one row for each recording: its home, the tier, and what decided."""
    links = matches.links
    ids = np.array([*matches.incident_ids, ""], dtype=object)
    return pd.DataFrame(
        {
            "recording_id": matches.recordings["recording_id"].to_numpy(dtype=object),
            "incident_id": ids[links.incident],
            "tier": links.tier,
            "on_record": _yes(links.attendance >= 0),
            "number_cleaned": _yes(links.cleaned),
            "overlap_s": np.where(links.tier > NO_TIER, links.overlap_ms / 1000, np.nan),
            "distance_m": links.distance_m.round(1),
            "candidates": links.candidates,
            "decided_by": np.array(DECIDERS, dtype=object)[links.decider],
        },
        copy=False,
    )


def _yes(values: np.ndarray) -> np.ndarray:
    return np.where(values, "yes", "no").astype(object)


def files(frames: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Return file name -> CSV text of each table, moments as ISO 8601 in UTC, truth as yes and no."""
    return {name: csv_text(frame) for name, frame in frames.items()}


def csv_text(frame: pd.DataFrame) -> str:
    """Return a table as CSV; text that a spreadsheet would run gets an apostrophe in front."""
    from openbwv.shared.report.table import FORMULA, safe

    out = {}
    for name, column in frame.items():
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            out[name] = column.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        elif column.dtype == bool:
            out[name] = pd.Series(_yes(column.to_numpy()), index=column.index)
        elif isinstance(column.dtype, pd.CategoricalDtype):
            names = [safe(str(each)) for each in column.cat.categories]
            out[name] = pd.Categorical.from_codes(column.cat.codes, categories=names)
        elif not pd.api.types.is_numeric_dtype(column):
            texts = column.fillna("").astype(object)
            risky = texts.str.startswith(FORMULA).to_numpy(dtype=bool)
            out[name] = texts.where(~risky, texts.map(safe)) if risky.any() else texts
        else:
            out[name] = column
    return str(pd.DataFrame(out, copy=False).to_csv(index=False, lineterminator="\r\n"))
