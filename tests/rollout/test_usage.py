"""Heavy users, uplinks and people: the figures of note 07."""

import numpy as np
import pytest

from openbwv.rollout import facts
from openbwv.rollout.capacity import network, usage
from openbwv.rollout.capacity.station import Station, run
from openbwv.rollout.capacity.workload import Workload
from openbwv.studies.labels import DesignLabel, Status

STATION = Station(
    cameras=60,
    bays=20,
    bay_mbps=160,
    uplink_mbps=20,
    camera_gb=64,
    charge_minutes=60,
    hours_month=14.94,
    gb_per_hour=20 / 7,
)


def test_uplinks_of_the_met_are_those_of_note_07():
    met = network.uplink(inflow_tb_month=440)
    assert round(met.inflow_tb_day, 2) == 14.46
    assert round(met.even_gbps, 2) == 2.68
    assert round(met.peak_gbps, 2) == 9.64
    assert round(met.peak_mbps_a_site) == 134


def test_the_three_readings_of_how_much_is_recorded():
    govqa, mandatory, naive = network.usage_band(22_000)
    assert govqa["inflow_tb_month"] == pytest.approx(440)
    assert round(mandatory["hours_month"], -2) == 328_700
    assert round(mandatory["times_govqa"], 1) == 2.1
    assert naive["hours_month"] / network.DAYS_A_MONTH == pytest.approx(264_000)
    assert naive["status"] == facts.UNVERIFIED


def test_officers_differ_as_much_as_those_of_washington():
    """Counts over 212 days: variance/mean 249, and a tenth make fewer than 130 or more than 950 videos."""
    rng = np.random.default_rng(3)
    rates = usage.heavy_users(cameras=200_000, shape=usage.GAMMA_SHAPE, rng=rng) * usage.DC_MEAN
    counts = rng.poisson(rates)
    assert counts.mean() == pytest.approx(498, rel=0.01)
    assert counts.var() / counts.mean() == pytest.approx(249, rel=0.03)
    assert np.percentile(counts, 90) == pytest.approx(986, rel=0.05)


def test_cameras_bring_on_average_what_was_asked_for():
    found = usage.dockings(usage=usage.Usage(), cameras=3000, days=30, rng=np.random.default_rng(4))
    gb_month = sum(each.bytes_brought for each in found) / 1e9 / 3000 * usage.DAYS_A_MONTH / 30
    assert gb_month == pytest.approx(20, rel=0.05)
    assert found == sorted(found, key=lambda each: each.came_s)


def test_the_mean_hides_the_worst_hour():
    result = run(STATION, days=14, seed=1)
    receipt = result["until_receipt_min"]
    assert receipt["p99"] > 2 * receipt["mean"]
    assert receipt["p50"] < receipt["p90"] < receipt["p95"] < receipt["p99"] <= receipt["largest"]


def test_the_same_seed_gives_the_same_station_and_another_does_not():
    assert run(STATION, days=5, seed=9) == run(STATION, days=5, seed=9)
    assert run(STATION, days=5, seed=9) != run(STATION, days=5, seed=10)


def test_redaction_takes_five_to_ten_hours_an_hour():
    work = Workload(requests_month=600, minutes_each=30)
    assert work.hours_month(5) == 1500
    assert work.as_dict()["redaction_hours_month_high"] == 3000
    assert work.staff_for(5) >= 1500 / 120
    assert work.staff_for(10) > work.staff_for(5)


def test_one_long_request_that_cannot_be_done_in_a_month_does_not_hang():
    assert Workload(requests_month=1, minutes_each=6000).staff_for(10) >= 1


def test_every_assumption_has_a_status_and_a_source():
    found = run(STATION, days=1, seed=1)["assumptions"]
    assert len(found) > 12
    assert all(row["status"] in facts.STATUSES and row["source"] for row in found)


def test_labels_and_statuses_are_those_of_the_studies():
    assert tuple(label.value for label in DesignLabel) == facts.LABELS
    assert {status.value for status in Status} <= set(facts.STATUSES)


def test_a_figure_without_a_status_cannot_be_made():
    with pytest.raises(ValueError, match="no status"):
        facts.Fact("x", 1, "", "surely", "hearsay")
