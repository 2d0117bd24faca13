"""`./bwv capacity`: what storage, network, docks and people a number of cameras needs."""

import hashlib
import json
import re
from argparse import Namespace
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from openbwv.command import Parser
from openbwv.rollout.errors import BadRolloutOption

EXAMPLES = """\
  ./bwv capacity model --example
  ./bwv capacity model --cameras 22000 --gb-per-camera-month 20 --evidential 0.1 --months 12 --json
  ./bwv capacity model --cameras 2800 --gb-per-camera-month 43 --evidential 0.2 --months 120 --classes mopi --out report
  ./bwv capacity simulate --example --days 7 --out station
  ./bwv capacity simulate --cameras 460 --bays 120 --uplink-mbps 50 --seed 7 --json
"""
ABOUT = {
    "model": "storage by month, uplinks, redaction and requests, with every assumption",
    "simulate": "docks and uplink of one station, event by event: percentiles, not means",
}
WIDTH = 46
LIMITS = {  # of a station, so that no figure can hang the simulation
    "bays": (1, 100_000),
    "bay_mbps": (0.001, 1e6),
    "uplink_mbps": (0.001, 1e6),
    "camera_gb": (0.001, 1e6),
    "charge_minutes": (0, 1440),
    "hours_month": (0.001, 744),
    "gb_per_hour": (0.001, 1000),
    "seed": (0, 2**63),
}


def main(argv: list[str]) -> int:
    """Run `./bwv capacity …` and return its exit code; raises BwvError."""
    parser = Parser(prog="./bwv capacity", description=__doc__, examples=EXAMPLES)
    choices = parser.add_subparsers(dest="deed", required=True, metavar="{" + ",".join(ABOUT) + "}")
    for deed, about in ABOUT.items():
        choices.add_parser(deed, help=about, add_help=False)
    deed = parser.parse_args(argv[:1]).deed
    return _model(argv[1:]) if deed == "model" else _simulate(argv[1:])


def _parser(deed: str) -> Parser:
    own = "".join(line + "\n" for line in EXAMPLES.splitlines() if f"capacity {deed}" in line)
    parser = Parser(prog=f"./bwv capacity {deed}", description=ABOUT[deed], examples=own)
    parser.add_argument("--out", metavar="DIR", help="write report.html, a CSV for every table, and result.json")
    parser.add_argument("--force", action="store_true", help="replace files that are in DIR already")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def exact(text: str) -> Fraction:
    """Return a plain decimal number exactly; raises ValueError for anything else, exponents and fractions among it."""
    if not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,15})?", text.strip()):
        raise ValueError(f"{text!r} is no plain decimal number")
    return Fraction(text.strip())


def _model(argv: list[str]) -> int:
    parser = _parser("model")
    parser.add_argument("--example", action="store_true", help="22,000 cameras, 20 GB, 10 %% evidence, 12 months")
    parser.add_argument("--cameras", type=int, metavar="N", help="cameras in use")
    parser.add_argument("--gb-per-camera-month", type=exact, metavar="G", help="GB a camera brings in a month")
    parser.add_argument("--evidential", type=exact, metavar="E", help="share that is evidence, 0 to 1: an assumption")
    parser.add_argument("--months", type=int, metavar="M", help="months from the first day")
    parser.add_argument("--classes", choices=("none", "mopi"), default="none", help="reviews of evidence")
    parser.add_argument("--held", type=exact, default=Fraction(0), metavar="S", help="share of the rest under a hold")
    parser.add_argument("--hold-days", type=int, default=0, metavar="D", help="days a hold lasts from the recording")
    parser.add_argument("--sites", type=int, default=72, metavar="N", help="stations with docks (default 72)")
    parser.add_argument("--requests-month", type=float, default=500.0, metavar="N", help="requests for footage a month")
    parser.add_argument("--minutes-per-request", type=float, default=20.0, metavar="T", help="footage in one request")
    parser.add_argument("--gbp-per-tb-month", type=float, metavar="P", help="price of storage; not priced without")
    args = parser.parse_args(argv)
    asked = ("cameras", "gb_per_camera_month", "evidential", "months")
    for name, value in zip(asked, (22_000, Fraction(20), Fraction(1, 10), 12), strict=True):
        if getattr(args, name) is None:
            if not args.example:
                parser.error(f"--{name.replace('_', '-')} is missing; or use --example")
            setattr(args, name, value)
    from openbwv.rollout.capacity.model import Scenario, model
    from openbwv.rollout.capacity.report import model_report

    result = model(
        Scenario(
            cameras=args.cameras,
            gb_per_camera_month=args.gb_per_camera_month,
            evidential=args.evidential,
            months=args.months,
            classes=args.classes,
            held=args.held,
            hold_days=args.hold_days,
            sites=args.sites,
            requests_month=args.requests_month,
            minutes_each=args.minutes_per_request,
            gbp_per_tb_month=args.gbp_per_tb_month,
        )
    )
    _hand_over(args, result, model_report(result, sha256=digest(vars(args))), _model_lines(result))
    return 0


def _simulate(argv: list[str]) -> int:
    parser = _parser("simulate")
    parser.add_argument("--example", action="store_true", help="a busy borough: 460 cameras (the defaults)")
    parser.add_argument("--cameras", type=int, default=460, metavar="N", help="cameras at this station (default 460)")
    parser.add_argument("--bays", type=int, default=120, metavar="B", help="bays of its docks (default 120)")
    parser.add_argument("--bay-mbps", type=float, default=160.0, metavar="R", help="rate of a bay, Mb/s (default 160)")
    parser.add_argument("--uplink-mbps", type=float, default=134.0, metavar="R", help="shared, in Mb/s (default 134)")
    parser.add_argument("--camera-gb", type=float, default=64.0, metavar="GB", help="memory of a camera (default 64)")
    parser.add_argument("--charge-minutes", type=float, default=120.0, metavar="T", help="least time in a bay (120)")
    parser.add_argument("--hours-month", type=float, default=7.0, metavar="H", help="mean hours a camera records")
    parser.add_argument("--gb-per-hour", type=float, default=20 / 7, metavar="G", help="size of an hour (2.857)")
    parser.add_argument("--days", type=int, default=28, metavar="D", help="days to simulate (default 28)")
    parser.add_argument("--seed", type=int, default=1, help="seed of chance (default 1); same seed, same answer")
    args = parser.parse_args(argv)
    if not (1 <= args.days <= 366 and 1 <= args.cameras <= 5000):
        raise BadRolloutOption(
            what="A station has 1 to 5,000 cameras and is simulated for 1 to 366 days.",
            remedy="Give --cameras and --days in that range.",
        )
    for name, (least, most) in LIMITS.items():
        if not least <= getattr(args, name) <= most:
            option = "--" + name.replace("_", "-")
            raise BadRolloutOption(
                what=f"{option} lies outside what a station has.", remedy=f"Give {least:g} to {most:g}."
            )
    from openbwv.rollout.capacity.report import site_report
    from openbwv.rollout.capacity.station import Station, run

    wanted = ("cameras", "bays", "bay_mbps", "uplink_mbps", "camera_gb", "charge_minutes", "hours_month", "gb_per_hour")
    result = run(Station(**{name: getattr(args, name) for name in wanted}), days=args.days, seed=args.seed)
    report = site_report(result, seed=args.seed, sha256=digest(vars(args)))
    _hand_over(args, result, report, _station_lines(result))
    return 0


def digest(options: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the options that decide the result."""
    kept = {name: str(value) for name, value in options.items() if name not in ("out", "force", "json", "example")}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def _hand_over(args: Namespace, result: Mapping[str, Any], report: Any, lines: list[str]) -> None:
    from openbwv.rollout.capacity.report import fact_lines
    from openbwv.rollout.files import write_all

    written: list[str] = []
    if args.out:
        texts = {**report.files(), "result.json": json.dumps(result, indent=1) + "\n"}
        written = write_all(args.out, texts, replace=args.force)
    if args.json:
        print(json.dumps({**result, "files": written} if written else result))
        return
    print("\n".join([*lines, "", "Assumptions:", *fact_lines(result["assumptions"]), *(f"wrote {p}" for p in written)]))


def _model_lines(result: Mapping[str, Any]) -> list[str]:
    link, work, last = result["uplink"], result["workload"], result["series"][-1]
    cost = result["storage_cost_gbp"]
    figures = [
        ("inflow", f"{result['inflow_tb_month']:,.1f} TB a month ({link['inflow_tb_day']:.2f} TB a day)"),
        (f"stored after {last['month']} months", f"{result['stored_tb']:,.1f} TB"),
        ("in = kept + deleted, to the byte", "yes" if result["conserved"] else "NO"),
        ("uplink, even over 12 h", f"{link['even_gbps']:.2f} Gb/s"),
        ("uplink, 60 % within 2 h of shifts' end", f"{link['peak_gbps']:.2f} Gb/s"),
        (f"at each of {link['sites']} equal stations", f"{link['peak_mbps_a_site']:.0f} Mb/s"),
        (
            "redaction",
            f"{work['redaction_hours_month_low']:,.0f} to {work['redaction_hours_month_high']:,.0f} h a month",
        ),
        ("people for it", f"{work['staff_low']} to {work['staff_high']}"),
        ("cost of storage", "not priced" if cost is None else f"{cost:,.0f} GBP"),
    ]
    lines = [f"{name:<{WIDTH}}{value}" for name, value in figures]
    lines += ["", "Stored after the same months, if:"]
    lines += [
        f"  {row['cameras']:>6,} cameras, {row['evidential']:.0%} evidence, {row['usage']}: {row['stored_tb']:,.1f} TB"
        for row in result["scenarios"]
    ]
    lines += ["", "How much is recorded:"]
    lines += [
        f"  {row['reading']}: {row['hours_month']:,.0f} h a month ({row['source']})" for row in result["usage_band"]
    ]
    return lines


def _station_lines(result: Mapping[str, Any]) -> list[str]:
    names = ("p50", "p90", "p95", "p99", "largest", "mean")
    table = {
        "wait for a bay, min": "wait_for_bay_min",
        "read into the dock, min": "read_into_spool_min",
        "until the receipt, min": "until_receipt_min",
        "one docking, GB": "gb_a_docking",
        "one day, GB": "gb_a_day",
    }
    lines = [f"{'':<{WIDTH}}" + "".join(f"{name:>9}" for name in names)]
    for words, key in table.items():
        cells = "".join(
            f"{result[key][name]:>9.1f}" if result[key][name] is not None else f"{'–':>9}" for name in names
        )
        lines.append(f"{words:<{WIDTH}}{cells}")
    single = [
        ("dockings", f"{result['dockings']:,}"),
        ("most on the dock's spool", f"{result['spool_peak_gb']:,.1f} GB"),
        ("bays in use", f"{result['bays_busy_share']:.1%}"),
        ("uplink in use", f"{result['uplink_busy_share']:.1%}"),
        ("shifts begun with a camera not emptied", f"{result['shifts_begun_not_empty']:,} of {result['shifts']:,}"),
        ("shifts that filled a camera beyond its memory", f"{result['shifts_overfull']:,} of {result['shifts']:,}"),
        ("fullest camera", f"{result['worst_camera_gb']:.1f} GB"),
    ]
    return [*lines, *(f"{name:<{WIDTH}}{value}" for name, value in single)]
