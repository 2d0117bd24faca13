"""`./bwv study design`."""

import argparse
import hashlib
from typing import Any

from openbwv.command import Parser
from openbwv.studies import files
from openbwv.studies.commands.columns import COLUMNS, DESIGNS, column_or_number, words
from openbwv.studies.errors import BadStudyOption

EXAMPLES = """\
  ./bwv study design trial.yaml --example
  ./bwv study design trial.yaml
  ./bwv study design other.yaml --design clusters --title "Cameras for response teams" --outcome complaints \\
      --assigned camera --cluster team --exposure officer_years
"""


def main(argv: list[str]) -> int:
    """Write a pre-registration from options, or check one that is there; print its hash. Returns 0."""
    parser = Parser(
        prog="./bwv study design",
        description="Write a pre-registration once, or check the one that is there, and print its SHA-256.",
        examples=EXAMPLES,
    )
    parser.add_argument("file", metavar="FILE.yaml", help="checked when it exists, written when options describe it")
    parser.add_argument(
        "--example", action="store_true", help="write the example, for `randomise` and `analyse --example`"
    )
    parser.add_argument("--design", choices=DESIGNS, help="how cameras will be given out")
    parser.add_argument("--title", help="what the study is")
    parser.add_argument("--outcome", action="append", default=[], metavar="COL", help="repeat; the first is primary")
    for name, about in COLUMNS.items():
        parser.add_argument(f"--{name}", metavar="COL", help=about)
    parser.add_argument("--exposure", type=column_or_number, metavar="COL|NUMBER", help="time or chances of a row")
    parser.add_argument("--covariates", type=words, default=(), metavar="COL,COL", help="for the balance table")
    parser.add_argument(
        "--exclude", action="append", default=[], metavar="WHY", help="a reason to leave rows out; repeat"
    )
    parser.add_argument("--allocation-sha256", metavar="HEX", help="the hash that `randomise` printed")
    parser.add_argument("--draws", type=int, metavar="N", help="permutations and bootstrap draws")
    parser.add_argument("--seed", type=int, metavar="N", help="for the draws")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    args = parser.parse_args(argv)
    from openbwv.studies.prereg import read_preregistration, write_preregistration

    fields = _fields(args)
    if fields is not None:
        data = write_preregistration(fields)
        read_preregistration(data, file=args.file)
        files.write_once(args.file, data)
    registered = read_preregistration(files.read_bytes(args.file), file=args.file)
    answer = {
        "file": args.file,
        "written": fields is not None,
        "sha256": registered.sha256,
        "title": registered.fields["title"],
        "design": registered.design.value,
        "label": registered.setups()[0].label.value,
        "outcomes": registered.outcomes,
    }
    if args.json:
        files.say_json(answer)
    else:
        files.say(
            f"{args.file}: {answer['title']}\n"
            f"  {registered.design.value}: {registered.design.sentence} Its results will be called {answer['label']}.\n"
            f"  outcomes: {', '.join(registered.outcomes)}\n"
            f"  sha256 {registered.sha256}\n"
            "  Publish this hash before anybody looks at an outcome."
        )
    return 0


def _fields(args: argparse.Namespace) -> dict[str, Any] | None:
    """Return the fields to write, None when an existing file is to be checked."""
    from openbwv.studies.examples import EXAMPLE_PREREGISTRATION

    if args.example:
        return None if files.exists(args.file) and _is_example(args.file) else dict(EXAMPLE_PREREGISTRATION)
    if not args.design and not args.outcome and not args.title:
        return None
    if not (args.design and args.outcome and args.title):
        raise BadStudyOption(what="A pre-registration needs more.", remedy="Give --title, --design and --outcome.")
    columns = {name: getattr(args, name) for name in (*COLUMNS, "exposure") if getattr(args, name) is not None}
    if args.covariates:
        columns["covariates"] = list(args.covariates)
    return {
        "title": args.title,
        "design": args.design,
        "outcomes": [{"name": name, "primary": place == 0} for place, name in enumerate(args.outcome)],
        "columns": columns,
        "draws": args.draws,
        "seed": args.seed,
        "exclusions": args.exclude,
        "allocation_sha256": args.allocation_sha256,
    }


def _is_example(path: str) -> bool:
    from openbwv.studies.examples import EXAMPLE_PREREGISTRATION
    from openbwv.studies.prereg import write_preregistration

    wanted = write_preregistration(EXAMPLE_PREREGISTRATION)
    return hashlib.sha256(files.read_bytes(path)).digest() == hashlib.sha256(wanted).digest()
