"""What the contract's money is, what it comes to for a camera, and what it does not cover."""

from typing import Any

from openbwv.rollout.capacity.network import uplink
from openbwv.rollout.facts import ASSUMPTION, COMPUTED, SOURCED, UNVERIFIED, Fact

CONTRACT_POUNDS, CONTRACT_YEARS, CONTRACT_CAMERAS = 3_400_000, 3, 22_000
POUNDS_A_CAMERA = CONTRACT_POUNDS / CONTRACT_CAMERAS  # 154.545...
POUNDS_A_CAMERA_FLOOR = int(POUNDS_A_CAMERA * 100) / 100
UK_POUNDS, UK_CAMERAS = 22_703_235, 47_922
GB_A_CAMERA_MONTH = 20


def contract(cameras: int) -> dict[str, Any]:
    """Return the contract's figures for a number of cameras, and the gap to what the country paid."""
    uk = UK_POUNDS / UK_CAMERAS
    same_price = cameras * POUNDS_A_CAMERA
    return {
        "cameras": cameras,
        "contract_pounds": CONTRACT_POUNDS,
        "years": CONTRACT_YEARS,
        "pounds_a_camera": round(POUNDS_A_CAMERA, 2),
        "pounds_a_camera_year": round(POUNDS_A_CAMERA / CONTRACT_YEARS, 2),
        "pounds_at_this_price": round(same_price),
        "pounds_missing": max(0, round(same_price) - CONTRACT_POUNDS),
        "uk_pounds_a_camera": round(uk, 2),
        "pounds_at_uk_average": round(cameras * uk),
        "facts": [fact.as_dict() for fact in _facts()],
        "not_covered": not_covered(cameras),
    }


def _facts() -> list[Fact]:
    return [
        Fact(
            "contract", CONTRACT_POUNDS, "GBP for 3 years, 22,000 cameras", SOURCED, "College of Policing, 24 Nov 2015"
        ),
        Fact("price of a camera", round(POUNDS_A_CAMERA, 2), "GBP for 3 years", COMPUTED, "3.4m / 22,000"),
        Fact(
            "what forces paid in the UK",
            round(UK_POUNDS / UK_CAMERAS, 2),
            "GBP a camera",
            SOURCED,
            "Big Brother Watch, August 2017: 22,703,235 for 47,922 cameras, 71 % of forces",
        ),
        Fact(
            "US price, 2014",
            "300-800",
            "USD a camera, storage up to 1,500 USD a year",
            SOURCED,
            "chicomm.com citing PERF",
        ),
    ]


def not_covered(cameras: int) -> list[dict[str, Any]]:
    """Return what the price of a camera cannot hold, with the quantity where one can be worked out."""
    inflow = cameras * GB_A_CAMERA_MONTH / 1000
    rows = [
        (
            "storage beyond the first year",
            f"{inflow:,.0f} TB come in each month at 20 GB a camera; `./bwv capacity model` shows what stays",
            COMPUTED,
            "GovQA: 20 GB an officer-month",
        ),
        (
            "network of the stations",
            f"up to {uplink(inflow_tb_month=inflow).peak_gbps:.2f} Gb/s if 60 % is docked within 2 hours",
            COMPUTED,
            "`./bwv capacity model`",
        ),
        ("training", f"{cameras:,} seats; an hour each is {cameras:,} officer-hours", ASSUMPTION, "one hour a seat"),
        ("redaction", "5 to 10 hours for an hour of footage released", SOURCED, "GovQA"),
        (
            "requests and subject access",
            "one calendar month each; volumes unknown",
            ASSUMPTION,
            "no published figure found",
        ),
        ("replacement after three years", f"{cameras:,} cameras again", ASSUMPTION, "contract runs three years"),
        ("loss and breakage", "not known", ASSUMPTION, "no published figure found"),
        ("independent evaluation", "the randomised order costs nothing; analysis does", ASSUMPTION, "this plan"),
        (
            "whether docks, mounts and storage are in the price",
            "the published sum does not say",
            UNVERIFIED,
            "College of Policing, 24 Nov 2015: sum and number only",
        ),
    ]
    return [dict(zip(("item", "quantity", "status", "source"), row, strict=True)) for row in rows]
