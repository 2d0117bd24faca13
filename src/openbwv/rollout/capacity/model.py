"""`capacity model`: one scenario from cameras to storage, network, people and cost, with everything it assumes."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from openbwv.rollout.capacity import cohort, network
from openbwv.rollout.capacity.workload import Workload
from openbwv.rollout.errors import BadRolloutOption
from openbwv.rollout.facts import ASSUMPTION, COMPUTED, GIVEN, SOURCED, UNVERIFIED, Fact

EVIDENTIAL_SCENARIOS = ("0.10", "0.20", "0.30")
CAMERA_SCENARIOS = (22_000, 30_000)
CLASSES = {"none": cohort.KEEP_ALL, "mopi": cohort.MOPI}
GB_A_MONTH = "20"
MOST = 5_000_000


@dataclass(frozen=True)
class Scenario:
    """What a model is asked; shares and sizes as exact fractions, so that bytes are whole."""

    cameras: int
    gb_per_camera_month: Fraction
    evidential: Fraction
    months: int
    classes: str = "none"
    held: Fraction = Fraction(0)
    hold_days: int = 0
    sites: int = network.STATIONS_KEPT
    requests_month: float = 500.0
    minutes_each: float = 20.0
    gbp_per_tb_month: float | None = None

    def __post_init__(self) -> None:
        asked = self.requests_month >= 0 <= self.minutes_each and self.requests_month * self.minutes_each <= MOST
        wrong = [
            what
            for what, fits in (
                (f"--cameras from 0 to {MOST:,}", 0 <= self.cameras <= MOST),
                ("--gb-per-camera-month from 0 up", 0 <= self.gb_per_camera_month <= MOST),
                ("--evidential from 0 to 1", 0 <= self.evidential <= 1),
                ("--months from 0 to 1,200", 0 <= self.months <= 1200),
                ("--classes of " + " or ".join(CLASSES), self.classes in CLASSES),
                ("--held from 0 to 1", 0 <= self.held <= 1),
                ("--hold-days from 0 up", 0 <= self.hold_days <= MOST),
                ("--sites from 1 up", 1 <= self.sites <= MOST),
                (f"--requests-month times --minutes-per-request from 0 to {MOST:,}", asked),
                ("--gbp-per-tb-month from 0 up", 0 <= (self.gbp_per_tb_month or 0) <= MOST),
            )
            if not fits
        ]
        if wrong:
            raise BadRolloutOption(what="These figures describe no fleet.", remedy=f"Give {'; '.join(wrong)}.")

    @property
    def bytes_a_month(self) -> int:
        """Inflow in bytes, rounded down."""
        return int(self.cameras * self.gb_per_camera_month * 10**9)


def model(scenario: Scenario) -> dict[str, Any]:
    """Return `stored_tb`, `inflow_tb_month`, `series`, `assumptions` and what follows from them."""
    parts = cohort.bands(
        evidential=scenario.evidential,
        classes=CLASSES[scenario.classes],
        held=scenario.held,
        hold_days=scenario.hold_days,
    )
    moments = cohort.series(bytes_a_month=scenario.bytes_a_month, parts=parts, months=scenario.months)
    last = moments[-1]
    inflow = scenario.bytes_a_month / cohort.BYTES_PER_TB
    work = Workload(scenario.requests_month, scenario.minutes_each)
    price = scenario.gbp_per_tb_month
    return {
        "stored_tb": last.kept / cohort.BYTES_PER_TB,
        "inflow_tb_month": inflow,
        "series": [_row(moment) for moment in moments],
        "conserved": all(each.received == each.kept + each.deleted for each in moments),
        "bytes": {"received": last.received, "kept": last.kept, "deleted": last.deleted},
        "uplink": network.uplink(inflow_tb_month=inflow, sites=scenario.sites).as_dict(),
        "usage_band": network.usage_band(scenario.cameras),
        "workload": work.as_dict(),
        "storage_cost_gbp": _cost(moments, price),
        "scenarios": scenarios(scenario),
        "assumptions": [fact.as_dict() for fact in _facts(scenario, work)],
    }


def _row(moment: cohort.Moment) -> dict[str, Any]:
    tb = cohort.BYTES_PER_TB
    return {
        "month": moment.month,
        "stored_tb": moment.kept / tb,
        "received_tb": moment.received / tb,
        "deleted_tb": moment.deleted / tb,
        "bands_tb": {name: kept / tb for name, kept in moment.kept_by_band.items()},
    }


def _cost(moments: list[cohort.Moment], price: float | None) -> float | None:
    """Return the pounds for storing what lies there at the end of each month; None without a price."""
    if price is None:
        return None
    return sum(each.kept for each in moments[1:]) / cohort.BYTES_PER_TB * price


def scenarios(scenario: Scenario) -> list[dict[str, Any]]:
    """Return the same question for 10, 20 and 30 % evidence, 22,000 and 30,000 cameras, and two usage readings."""
    rows = []
    for cameras in sorted({*CAMERA_SCENARIOS, scenario.cameras}):
        band = network.usage_band(cameras)
        for share in EVIDENTIAL_SCENARIOS:
            for reading in band[:2]:
                inflow = reading["inflow_tb_month"]
                stored = cohort.closed_form_tb(inflow_tb_month=inflow, evidential=float(share), months=scenario.months)
                rows.append(
                    {
                        "cameras": cameras,
                        "usage": reading["reading"],
                        "evidential": float(share),
                        "inflow_tb_month": inflow,
                        "stored_tb": stored,
                        "peak_gbps": network.uplink(inflow_tb_month=inflow, sites=scenario.sites).peak_gbps,
                    }
                )
    return rows


def _facts(scenario: Scenario, work: Workload) -> list[Fact]:
    usage = SOURCED if scenario.gb_per_camera_month == Fraction(GB_A_MONTH) else GIVEN
    facts = [
        Fact("cameras", scenario.cameras, "", GIVEN, "--cameras; the Met's contract of 2015 names 22,000"),
        Fact(
            "footage of a camera",
            float(scenario.gb_per_camera_month),
            "GB a month",
            usage,
            "GovQA/Veritone: 32 files, 7 h, 20 GB" if usage == SOURCED else "--gb-per-camera-month",
        ),
        Fact(
            "evidential share",
            float(scenario.evidential),
            "of inflow",
            ASSUMPTION,
            "no published Met figure was found; 10, 20 and 30 % are scenarios",
        ),
        Fact("retention of what is not evidence", 31, "days", SOURCED, "the brief; met.police.uk privacy page"),
        Fact("length of a month", 30.4375, "days", COMPUTED, "365.25 / 12"),
        Fact("flow", "even, all cameras from the first day", "", ASSUMPTION, "a roll-out fills up more slowly"),
        Fact("held in the ordinary stream", float(scenario.held), "share", ASSUMPTION, "requests and complaints"),
        Fact("length of a hold", scenario.hold_days, "days from recording", ASSUMPTION, "never less than 31"),
        *_class_facts(scenario),
        *network.uplink_facts(scenario.sites),
        *work.facts(),
    ]
    price = scenario.gbp_per_tb_month
    facts.append(
        Fact("price of storage", price, "GBP a TB and month", GIVEN, "--gbp-per-tb-month")
        if price is not None
        else Fact("price of storage", None, "GBP a TB and month", ASSUMPTION, "none given, so storage is not priced")
    )
    return facts


def _class_facts(scenario: Scenario) -> list[Fact]:
    if scenario.classes == "none":
        return [Fact("reviews of evidence", "none: kept throughout", "", ASSUMPTION, "--classes mopi models reviews")]
    return [
        Fact(
            f"{each.name}: share of evidence",
            float(each.share),
            "; ".join(f"at {r.age_months} months {float(r.keep):.0%} kept" for r in each.reviews),
            UNVERIFIED if each.reviews else ASSUMPTION,
            "review ages: Management of Police Information, from memory; shares and what is kept: assumption",
        )
        for each in cohort.MOPI
    ]
