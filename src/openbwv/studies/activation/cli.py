"""`./bwv activation`: match recordings to incidents, and report who records."""

import datetime
import hashlib
import json
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from openbwv.command import Parser

EXAMPLES = """\
  ./bwv activation match --example --out force
  ./bwv activation match force/recordings.csv force/incidents.csv --cameras force/cameras.csv --out matched
  ./bwv activation match force/recordings.csv force/incidents.csv --truth force/truth.csv --json
  ./bwv activation report --example --out oversight
  ./bwv activation report oversight/reports.csv --recorded recorded --officer officer --incident incident --date date \\
      --group type --json
  ./bwv activation report force/attendances.csv --recorded recorded --officer officer --incident incident_id \\
      --date start_utc --eligible eligible --group ethnicity --json
  ./bwv activation stops 2016-06-metropolitan-stop-and-search.csv --json
"""
ABOUT = {
    "match": "recordings to incidents in three tiers, with the matcher's own precision and recall",
    "report": "shares by year and group, officers after shrinkage, funnel limits, mixed incidents",
    "stops": "count a month of stop and search of data.police.uk",
}
LIST_LENGTH = 12


def main(argv: list[str]) -> int:
    """Run `./bwv activation …` and return its exit code; raises BwvError."""
    parser = Parser(prog="./bwv activation", description=__doc__, examples=EXAMPLES)
    choices = parser.add_subparsers(dest="deed", required=True, metavar="{" + ",".join(ABOUT) + "}")
    for deed, about in ABOUT.items():
        choices.add_parser(deed, help=about, add_help=False)
    deed = parser.parse_args(argv[:1]).deed
    return {"match": _match, "report": _report, "stops": _stops}[deed](argv[1:])


def _parser(deed: str) -> Parser:
    lines = EXAMPLES.split("  ./bwv ")
    own = "".join("  ./bwv " + each for each in lines if each.startswith(f"activation {deed}"))
    parser = Parser(prog=f"./bwv activation {deed}", description=ABOUT[deed], examples=own)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def _output(parser: Parser) -> None:
    parser.add_argument("--encoding", default="utf-8", help="of files without a byte order mark (default utf-8)")
    parser.add_argument("--date-format", default="ISO8601", metavar="F", help="such as %%d/%%m/%%Y (default ISO 8601)")
    parser.add_argument("--threshold", type=int, default=5, help="counts below it are not printed (default 5)")
    parser.add_argument("--seed", type=int, default=1, help="of new numbers and of pretend data (default 1)")
    parser.add_argument("--out", metavar="DIR", help="write report.html, a CSV for every table, and the data")
    parser.add_argument("--force", action="store_true", help="replace files that are in DIR already")


def _check(args: Namespace, least: Sequence[float] = ()) -> None:
    """Refuse options that the libraries below would trip over; raises BadStudyOption."""
    import codecs
    import zoneinfo

    from openbwv.studies.errors import BadStudyOption

    if min([args.threshold - 1, args.seed, *least]) < 0:
        what = "A threshold is at least 1; a seed, a slack and a distance are not negative."
        raise BadStudyOption(what=what, remedy="Mend the option; --threshold 1 suppresses nothing.")
    try:
        codecs.lookup(args.encoding)
        zoneinfo.ZoneInfo(getattr(args, "zone", "Europe/London"))
        if args.date_format != "ISO8601":
            datetime.datetime.strptime("", args.date_format or "empty")
    except (LookupError, ValueError) as problem:
        if "does not match" not in str(problem):
            remedy = "Name for example --encoding cp1252, --zone America/Chicago, --date-format %d/%m/%Y."
            raise BadStudyOption(what=f"An option names nothing known: {problem}.", remedy=remedy) from problem


def _match(argv: list[str]) -> int:
    parser = _parser("match")
    parser.add_argument("recordings", nargs="?", metavar="RECORDINGS.csv", help="columns: docs/ref/activation.md")
    parser.add_argument("incidents", nargs="?", metavar="INCIDENTS.csv", help="one row for each officer who was there")
    parser.add_argument("--example", action="store_true", help="use a pretend force; with --out its files go there too")
    parser.add_argument("--cameras", metavar="CSV", help="who had a camera in which state, from when to when")
    parser.add_argument("--truth", metavar="CSV", help="what is known to be true, to judge the matcher on these files")
    parser.add_argument("--profile", choices=("plain", "nopd"), default="plain", help="columns of RECORDINGS.csv")
    parser.add_argument("--ids", choices=("plain", "nopd"), help="incident numbers (default: as --profile)")
    parser.add_argument("--slack-s", type=int, default=300, metavar="S", help="clocks may differ so much (default 300)")
    parser.add_argument("--near-m", type=float, default=300.0, metavar="M", help="near in tier 2 (default 300)")
    parser.add_argument("--far-m", type=float, default=5000.0, metavar="M", help="too far for tier 3 (default 5000)")
    _output(parser)
    args = parser.parse_args(argv)
    _check(args, least=(args.slack_s, args.near_m, args.far_m))
    if args.example == bool(args.recordings) or bool(args.recordings) != bool(args.incidents):
        parser.error("give RECORDINGS.csv and INCIDENTS.csv, or --example")
    from openbwv.studies.activation import attended, match_page, page, summary, truth
    from openbwv.studies.activation.match import Rules, match

    ids = args.ids or args.profile
    rules = Rules(slack_s=args.slack_s, near_m=args.near_m, far_m=args.far_m, id_style=ids)
    tables, excluded, sha256 = _inputs(args)
    limits = attended.Limits()
    matches = match(tables["recordings"], tables["incidents"], rules=rules)
    rows = attended.attendances(matches, cameras=tables.get("cameras"), limits=limits)
    scores = {"a pretend force": summary.own_score(seed=args.seed, rules=rules)}
    if "truth" in tables:
        scores["these files"] = truth.score(matches, tables["truth"], rows).as_dict()
    found = summary.summarise(matches, rows, limits=limits, threshold=args.threshold)
    result = found | {"seed": args.seed, "data_sha256": sha256, "scores": scores, "excluded": excluded}
    report = match_page.page(found, scores=scores, excluded=excluded, footer=_footer(args, sha256))
    more: dict[str, Any] = {}
    if args.out:
        data = {"matches.csv": summary.links_table(matches), "attendances.csv": rows}
        if args.example:
            data |= {f"{name}.csv": frame for name, frame in tables.items()}
        more = summary.files(data)
    _hand_over(args, result, report.files() | page.long_files({}, excluded) | more, _match_lines(result))
    return 0


def _inputs(args: Namespace) -> tuple[dict[str, Any], list[dict[str, Any]], str]:
    """Return the tables, the rows that were left out with their file, and one hash over all files."""
    from openbwv.studies.activation import pretend
    from openbwv.studies.activation.files import load
    from openbwv.studies.importers import records

    if args.example:
        force = pretend.make(seed=args.seed)
        named = ("recordings", "incidents", "cameras", "truth")
        return {name: getattr(force, name) for name in named}, [], f"pretend force, seed {args.seed}"
    common = {"encoding": args.encoding, "form": args.date_format}
    read = {
        "recordings": records.recordings(load(args.recordings), file=args.recordings, profile=args.profile, **common),
        "incidents": records.incidents(load(args.incidents), file=args.incidents, **common),
    }
    if args.cameras:
        read["cameras"] = records.cameras(load(args.cameras), file=args.cameras, **common)
    if args.truth:
        read["truth"] = records.truth(load(args.truth), file=args.truth, encoding=args.encoding)
    excluded = [{"file": name, **row} for name, each in read.items() for row in each.excluded]
    together = hashlib.sha256("".join(each.sha256 for each in read.values()).encode()).hexdigest()
    return {name: each.frame for name, each in read.items()}, excluded, together


def _report(argv: list[str]) -> int:
    parser = _parser("report")
    parser.add_argument("data", nargs="?", metavar="DATA.csv", help="one row for each report: officer and incident")
    parser.add_argument("--example", action="store_true", help="use pretend reports; with --out they go there too")
    parser.add_argument("--recorded", metavar="COL", help="yes or no: was it recorded")
    parser.add_argument("--officer", metavar="COL")
    parser.add_argument("--incident", metavar="COL")
    parser.add_argument("--date", metavar="COL", help="with a time, there is a table by hour as well")
    parser.add_argument("--group", metavar="COL", action="append", default=[], help="shares by this; repeatable")
    parser.add_argument("--eligible", metavar="COL", help="count only rows where this says yes")
    parser.add_argument("--arm", metavar="COL", help="treated or control: exposure of control officers")
    parser.add_argument("--crossed", metavar="COL", help="place: officers and places in one logistic model, as a check")
    parser.add_argument("--yes", action="append", default=[], metavar="WORD", help="a further word for yes; repeatable")
    parser.add_argument("--no", action="append", default=[], metavar="WORD", help="a further word for no; repeatable")
    parser.add_argument("--zone", default="Europe/London", help="of dates with an offset (default Europe/London)")
    parser.add_argument("--least-reports", type=int, default=10, metavar="N", help="to list an officer (default 10)")
    parser.add_argument("--names", action="store_true", help="show the file's own officers and incidents")
    parser.add_argument("--publish", action="store_true", help="list no officers and no incidents one by one")
    _output(parser)
    args = parser.parse_args(argv)
    if args.names and args.publish:
        parser.error("--names and --publish exclude one another")
    _check(args)
    if args.example == bool(args.data):
        parser.error("give DATA.csv, or --example")
    from openbwv.studies.activation import page
    from openbwv.studies.activation.report import Options, analyse

    options = Options(
        seed=args.seed,
        least_reports=args.least_reports,
        threshold=args.threshold,
        names=args.names,
        publish=args.publish,
    )
    reports, excluded, sha256, more = _reports(args, parser)
    found = analyse(reports, options=options)
    result = found | {"n": len(reports.recorded), "data_sha256": sha256, "excluded": excluded}
    report = page.page(found, excluded=excluded, footer=_footer(args, sha256))
    _hand_over(args, result, report.files() | page.long_files(found, excluded) | more, _report_lines(result))
    return 0


def _reports(args: Namespace, parser: Parser) -> tuple[Any, list[dict[str, Any]], str, dict[str, str]]:
    """Return the rows that count, those that do not, the hash of the data, and the example's own file."""
    from openbwv.studies.activation import example
    from openbwv.studies.activation.files import load
    from openbwv.studies.activation.report import from_records
    from openbwv.studies.importers import records

    if args.example:
        text = example.reports_csv(seed=args.seed)
        data, name, more = text.encode(), "reports.csv", {"reports.csv": text}
        columns = records.ReportColumns("recorded", "officer", "incident", "date", ("type", "ethnicity"), arm="arm")
    else:
        missing = [f"--{name}" for name in ("recorded", "officer", "incident", "date") if not getattr(args, name)]
        if missing:
            parser.error(f"{', '.join(missing)} missing: which column is it?")
        data, name, more = load(args.data), args.data, {}
        columns = records.ReportColumns(
            args.recorded,
            args.officer,
            args.incident,
            args.date,
            tuple(dict.fromkeys(args.group)),
            args.eligible or "",
            args.arm or "",
            args.crossed or "",
        )
    words = records.Words(tuple(args.yes), tuple(args.no), args.date_format, args.zone, args.encoding)
    read = records.reports(data, columns, file=name, words=words)
    return from_records(read.frame), read.excluded, read.sha256, more


def _stops(argv: list[str]) -> int:
    parser = _parser("stops")
    parser.add_argument("data", metavar="STOPS.csv", help="a file of data.police.uk, gzip or plain")
    args = parser.parse_args(argv)
    from openbwv.studies.activation.files import load
    from openbwv.studies.importers import stops

    sheet = stops.read_stops(load(args.data), file=args.data)
    result = stops.counts(sheet.frame) | {"blank_lines": list(sheet.blank_lines), "unread_columns": list(sheet.unread)}
    if args.json:
        print(json.dumps(result))
        return 0
    print(f"{result['rows']:,} stops, {result['first_local']} to {result['last_local']} in London")
    for name in ("type", "object", "outcome", "officer_defined_ethnicity", "by_month_utc", "by_month_local"):
        print(f"{name}: " + ", ".join(f"{key} {count:,}" for key, count in result[name].items()))
    print(f"with coordinates: {result['with_coordinates']:,}")
    return 0


def _footer(args: Namespace, sha256: str) -> Any:
    from openbwv import __version__
    from openbwv.shared.report import Footer

    return Footer(code_version=__version__, seed=args.seed, data_sha256=sha256)


def _hand_over(args: Namespace, result: Mapping[str, Any], files: Mapping[str, str], lines: list[str]) -> None:
    from openbwv.studies.activation.files import write

    written = []
    if args.out:
        as_json = json.dumps(result, indent=1) + "\n"
        written = write(args.out, dict(files) | {"result.json": as_json}, replace=args.force)
    if args.json:
        print(json.dumps(dict(result) | ({"files": written} if written else {})))
    else:
        print("\n".join([*lines, *([f"Written to {args.out}: {len(written)} files."] if written else [])]))


def _match_lines(result: Mapping[str, Any]) -> list[str]:
    lines = [f"{result['recordings']:,} recordings, {result['incidents']:,} incidents", ""]
    lines += [f"  tier {each['tier']}  {each['n']:>9,}  {each['meaning']}" for each in result["tiers"]]
    for where, score in result["scores"].items():
        precision, recall = score["precision"]["share"], score["recall"]["share"]
        if precision is not None and recall is not None:
            lines.append(f"On {where} the matcher has precision {precision:.4f} and recall {recall:.4f}.")
    lines.append("")
    for each in result["recorded"]:
        lines.append(f"  {each['key']}: " + _share(each))
    shown = [each for each in result["reasons"] if each["n"]]
    lines += [f"  {each['n']:>9,}  {each['reason']}" for each in shown]
    return [*lines, *_left_out(result), result["note"]]


def _report_lines(result: Mapping[str, Any]) -> list[str]:
    lines = [f"Recorded: {_share(result['all'])} ({result['label']})"]
    lines += [f"  {each['key']}: {_share(each)}" for each in result["years"]]
    officers, mixed = result["officers"], result["mixed"]
    after = officers["after_shrinkage"]
    if after["p50"] is not None:
        lines.append(
            f"{officers['with_enough']:,} officers with at least {result['least_reports']} reports; after shrinkage "
            f"p10 {after['p10']:.3f}, median {after['p50']:.3f}, p90 {after['p90']:.3f}"
        )
    outside = [f"{'few' if count is None else count} {where}" for where, count in result["funnel"]["outside"].items()]
    lines.append("In the funnel: " + (", ".join(outside) or result["funnel"]["note"]))
    lines.append(
        f"{mixed['mixed']:,} of {mixed['with_several_officers']:,} incidents with several officers were recorded by "
        "some and not by others"
    )
    return [*lines, *_left_out(result)]


def _share(row: Mapping[str, Any]) -> str:
    if row["suppressed"]:
        return f"not printed: {row['suppressed']}"
    if row["share"] is None:
        return "nothing to count"
    return f"{row['share']:.2%} of {row['n']:,} ({row['low']:.2%} to {row['high']:.2%})"


def _left_out(result: Mapping[str, Any]) -> list[str]:
    """Return a line for each row that was not used; after the first dozen only how many more."""
    rows = result["excluded"]
    lines = [
        f"  left out: {row['file'] + ', ' if 'file' in row else ''}line {row['line']}: {row['why']}"
        for row in rows[:LIST_LENGTH]
    ]
    more = len(rows) - LIST_LENGTH
    return [*lines, f"  and {more:,} more; --json lists all"] if more > 0 else lines
