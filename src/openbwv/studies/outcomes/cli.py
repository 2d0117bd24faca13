"""`./bwv study outcomes`: complaints, early guilty pleas, time to the case file."""

import json
from argparse import Namespace
from typing import Any

from openbwv.command import Parser

EXAMPLES = """\
  ./bwv study outcomes pleas --example --json
  ./bwv study outcomes pleas CASES.csv --drawn 2018-01-31 --case-mix domestic_abuse --case-mix prior --cluster officer
  ./bwv study outcomes casefile --example
  ./bwv study outcomes complaints --example --json
  ./bwv study outcomes complaints COMPLAINTS.csv --years-before 31780 --years-since 32000 --json
"""
ABOUT = {
    "complaints": "case and allegation rates, with the definitions before and since February 2020 apart",
    "pleas": "early guilty pleas with case mix; open cases are left out and counted",
    "casefile": "days to the case file, with open cases (Kaplan-Meier, restricted mean)",
}


def main(argv: list[str]) -> int:
    """Run `./bwv study outcomes …` and return its exit code; raises BwvError."""
    parser = Parser(
        prog="./bwv study outcomes",
        description="What a trial counts besides force. "
        + " ".join(f"{name}: {about}." for name, about in ABOUT.items())
        + " Columns: docs/ref/activation.md.",
        examples=EXAMPLES,
    )
    parser.add_argument("kind", choices=tuple(ABOUT), help="which outcome")
    parser.add_argument("data", nargs="?", metavar="DATA.csv")
    parser.add_argument("--example", action="store_true", help="use pretend data of the seed")
    parser.add_argument("--seed", type=int, default=1, help="of the pretend data (default 1)")
    parser.add_argument("--drawn", metavar="DATE", help="pleas: the day the data were drawn")
    parser.add_argument(
        "--case-mix", action="append", default=[], metavar="COL", help="pleas: adjust for it; repeatable"
    )
    parser.add_argument("--cluster", default="", metavar="COL", help="pleas: cases of one go together")
    parser.add_argument("--horizon-days", type=float, metavar="D", help="casefile: restricted mean up to this day")
    parser.add_argument(
        "--years-before", type=float, metavar="N", help="complaints: officer-years before February 2020"
    )
    parser.add_argument("--years-since", type=float, metavar="N", help="complaints: officer-years since then")
    parser.add_argument(
        "--years-own", type=float, metavar="N", help="complaints: officer-years under the force's own rule"
    )
    parser.add_argument("--date-format", default="ISO8601", metavar="F", help="such as %%d/%%m/%%Y (default ISO 8601)")
    parser.add_argument("--encoding", default="utf-8", help="of files without a byte order mark (default utf-8)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    args = parser.parse_args(argv)
    if args.example == bool(args.data):
        parser.error("give DATA.csv, or --example")
    from openbwv.studies.outcomes import example

    if args.example:
        data, name = example.csv_of(args.kind, seed=args.seed).encode(), f"pretend {args.kind}"
        example.fill_in(args)
    else:
        from openbwv.studies.activation.files import load

        data, name = load(args.data), args.data
    result = {"complaints": _complaints, "pleas": _pleas, "casefile": _case_files}[args.kind](args, data, name)
    print(json.dumps(result) if args.json else "\n".join(_lines(result)))
    return 0


def _complaints(args: Namespace, data: bytes, name: str) -> dict[str, Any]:
    from openbwv.studies.importers.complaints import read_complaints
    from openbwv.studies.outcomes.complaints import Definition, rates_of

    read = read_complaints(data, file=name, form=args.date_format, encoding=args.encoding)
    years = {
        Definition.BEFORE_2020: args.years_before,
        Definition.SINCE_2020: args.years_since,
        Definition.OWN: args.years_own,
    }
    exposure = {definition: value for definition, value in years.items() if value is not None}
    rates = rates_of(read.cases, read.allegations, exposure, england_and_wales=args.years_own is None)
    return {
        "label": "descriptive, not randomised",
        "cases": len(read.cases),
        "allegations": len(read.allegations),
        "rates": [each.as_dict() for each in rates],
        "excluded": read.excluded,
        "disagreeing": read.disagreeing,
        "data_sha256": read.sha256,
    }


def _pleas(args: Namespace, data: bytes, name: str) -> dict[str, Any]:
    import pandas as pd

    from openbwv.studies.errors import BadStudyOption
    from openbwv.studies.outcomes.pleas import early_pleas
    from openbwv.studies.outcomes.records import read_cases

    mix = tuple(dict.fromkeys(args.case_mix or ["domestic_abuse"]))
    try:
        drawn = pd.Timestamp(args.drawn)
    except ValueError as problem:
        raise BadStudyOption(what=f"--drawn {args.drawn} is no date.", remedy="Write 2018-01-31.") from problem
    if pd.isna(drawn):
        raise BadStudyOption(what="--drawn is missing.", remedy="Name the day the data were drawn, as 2018-01-31.")
    read = read_cases(data, mix=mix, cluster=args.cluster, file=name, form=args.date_format, encoding=args.encoding)
    found = early_pleas(read.frame, drawn=drawn, case_mix=mix, cluster=args.cluster)
    return found.as_dict() | {"drawn": str(drawn.date()), "excluded": read.excluded, "data_sha256": read.sha256}


def _case_files(args: Namespace, data: bytes, name: str) -> dict[str, Any]:
    from openbwv.studies.outcomes.case_file import time_to_case_file
    from openbwv.studies.outcomes.records import read_case_files

    read = read_case_files(data, file=name, encoding=args.encoding)
    days, complete, camera = (read.frame[key].to_numpy() for key in ("days", "complete", "camera"))
    found = time_to_case_file(days, complete, camera, horizon_days=args.horizon_days)
    return found.as_dict() | {"excluded": read.excluded, "data_sha256": read.sha256}


def _lines(result: dict[str, Any]) -> list[str]:
    """Return the result for a terminal; every comparison with its label."""
    from openbwv.studies.estimates import chance_shown

    lines = []
    for each in result.get("rates", []):
        span = f"{each['rate']:.4f} ({each['low']:.4f} to {each['high']:.4f})"
        lines.append(f"{each['unit']}, {each['definition']}: {each['events']:,.0f}, {span} per officer-year")
    for each in result.get("shares", []):
        share = "–" if each["share"] is None else f"{each['share']:.1%}"
        lines.append(f"{each['stratum']}, footage {'yes' if each['camera'] else 'no'}: {share} of {each['n']:,}")
    for each in result.get("means", []):
        lines.append(f"footage {'yes' if each['camera'] else 'no'}: {each['restricted_mean_days']:.2f} days")
    for each in result.get("effects", []) + [result[key] for key in ("effect",) if key in result]:
        numbers = ["–" if each[key] is None else f"{each[key]:.4f}" for key in ("value", "low", "high")]
        where = f"[{each['model']}; {each['label']}] {each['note']}".strip()
        chance = "" if each["p"] is None else f", p {chance_shown(each['p'])}"
        lines.append(
            f"{each['outcome']}, {each['measure']}: {numbers[0]} ({numbers[1]} to {numbers[2]}){chance} {where}"
        )
    for each in result.get("censored", []):
        lines.append(f"still open, footage {'yes' if each['camera'] else 'no'}: {each['open']:,}")
    lines += [f"left out: line {each['line']}: {each['why']}" for each in result["excluded"][:12]]
    return lines
