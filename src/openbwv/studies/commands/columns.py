"""The options that describe a data file, the same for `analyse` and `report`."""

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from openbwv.command import Parser
from openbwv.studies import files
from openbwv.studies.errors import BadStudyOption

if TYPE_CHECKING:
    from openbwv.studies.result import Result
    from openbwv.studies.setup import Setup

DESIGNS = ("pairs", "shifts", "clusters", "staggered", "before-after")
COLUMNS = {
    "assigned": "1/0, treated/control; with before-after, 1 is after",
    "block": "what was drawn within; with pairs the pair",
    "cluster": "what was drawn whole: team, borough, officer-week",
    "baseline": "the same count before",
    "compliance": "recordings made, any number above 0 is use",
    "together": "who worked together (a shift, a car): control beside a camera",
    "unit": "id of the officer, shift or borough",
    "time": "period",
    "first": "first period with cameras; blank is never",
}


def add_columns(parser: Parser) -> None:
    """Add the data file and every option that describes it."""
    parser.add_argument("data", nargs="?", metavar="DATA.csv", help="the rows, as CSV, gzipped or not")
    parser.add_argument("--design", choices=DESIGNS, help="how cameras were given out")
    parser.add_argument(
        "--outcome", action="append", default=[], metavar="COL", help="what is counted; repeat for a family (Holm)"
    )
    for name, about in COLUMNS.items():
        parser.add_argument(f"--{name}", metavar="COL", help=about)
    for name, about in (("exposure", "time or chances a row stands for"), ("baseline-exposure", "of the baseline")):
        parser.add_argument(f"--{name}", type=column_or_number, metavar="COL|NUMBER", help=about)
    parser.add_argument("--covariates", type=words, default=(), metavar="COL,COL", help="for the balance table")
    parser.add_argument("--kind", choices=("auto", "count", "measure"), help="auto: no negative numbers; count: whole")
    parser.add_argument("--window-days", type=float, metavar="N", help="days the outcome was counted: rates per 1,000")
    parser.add_argument("--order-randomised", action="store_true", help="staggered: the order of starting was drawn")
    parser.add_argument("--alpha", type=float, metavar="A", help="1 less the level of intervals (default 0.05)")
    parser.add_argument(
        "--draws", type=int, metavar="N", help="permutations and bootstrap draws (default 5000; 0: none)"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="for the draws (default 1)")
    parser.add_argument("--allocation", metavar="FILE", help="take the arms from what `randomise` wrote; needs --unit")
    parser.add_argument("--preregistration", metavar="FILE", help="read and hashed before the data; departures listed")
    parser.add_argument(
        "--example",
        action="store_true",
        help="a seeded example of the design; written to DATA.csv if that is not there",
    )
    parser.add_argument("--json", action="store_true", help="one line of JSON")


def words(text: str) -> tuple[str, ...]:
    """Split COL,COL."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def column_or_number(text: str) -> str | float:
    """Return a number where the text is one, else a column's name."""
    try:
        return float(text)
    except ValueError:
        return text


def results(args: argparse.Namespace) -> "list[Result]":
    """Read the files in the order that a registration promises, analyse, and return one result an outcome."""
    from openbwv.studies.allocation import read_allocation
    from openbwv.studies.analyse import analyse, analyse_family
    from openbwv.studies.prereg import read_preregistration
    from openbwv.studies.table import read_table

    registered = None
    if args.preregistration:  # first of all: its hash is taken before a byte of the outcomes is read
        registered = read_preregistration(files.read_bytes(args.preregistration), file=args.preregistration)
    allocation = None
    if args.allocation:
        expected = registered.fields.get("allocation_sha256") if registered else None
        allocation = read_allocation(files.read_bytes(args.allocation), file=args.allocation, expected=expected)
    asked = setups(args, registered)
    data, name = _data(args, asked[0])
    table = read_table(data, file=name)
    done = [analyse(table, setup, allocation=allocation) for setup in asked]
    if len(done) > 1:
        analyse_family(done)
    if registered:
        about = {
            "file": registered.file,
            "title": registered.fields["title"],
            "sha256": registered.sha256,
            "hashed_before_data": True,
            "departures": registered.departures(done),
        }
        for result in done:
            result.preregistration = about
    return done


def setups(args: argparse.Namespace, registered: Any) -> "list[Setup]":
    """Return what is asked of each outcome: the registration or the example, changed by the options given."""
    from openbwv.studies.examples import example_setup
    from openbwv.studies.setup import Design, Setup

    design = args.design or (registered.design.value if registered else None)
    if design is None:
        raise BadStudyOption(what="Nothing says how cameras were given out.", remedy="Give --design.")
    given = {name: getattr(args, name) for name in (*COLUMNS, "exposure", "baseline_exposure", "window_days")}
    given |= {name: getattr(args, name) for name in ("kind", "alpha", "draws", "seed")}
    given |= {"covariates": args.covariates or None, "order_randomised": args.order_randomised or None}
    changes = {name: value for name, value in given.items() if value is not None} | {"design": Design(design)}
    if registered:
        base = registered.setups()
        by_name = {setup.outcome: setup for setup in base}
        chosen = args.outcome or list(by_name)
        return [_checked(replace(by_name.get(name, base[0]), outcome=name, **changes)) for name in chosen]
    if args.example:
        base_setup = example_setup(Design(design))
        return [_checked(replace(base_setup, outcome=name, **changes)) for name in args.outcome or [base_setup.outcome]]
    if not args.outcome:
        raise BadStudyOption(what="Nothing says what is counted.", remedy="Give --outcome COL.")
    return [_checked(Setup(outcome=name, **changes)) for name in args.outcome]


def _checked(setup: "Setup") -> "Setup":
    if not 0 < setup.alpha < 1 or setup.draws < 0 or setup.seed < 0:
        raise BadStudyOption(
            what="--alpha must lie between 0 and 1; --draws and --seed must not be negative.", remedy="Change them."
        )
    return setup


def _data(args: argparse.Namespace, setup: "Setup") -> tuple[bytes, str]:
    from openbwv.studies.examples import example_csv

    if not args.example:
        if not args.data:
            raise BadStudyOption(what="There is no data file.", remedy="Name DATA.csv, or give --example.")
        return files.read_bytes(args.data), args.data
    if args.data and files.exists(args.data):
        return files.read_bytes(args.data), args.data
    made = example_csv(setup.design, seed=1)
    if args.data:
        files.write_once(args.data, made)
    return made, args.data or f"example-{setup.design.value}.csv"
