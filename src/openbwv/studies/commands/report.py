"""`./bwv study report`."""

from openbwv.command import Parser
from openbwv.studies import files
from openbwv.studies.commands.columns import add_columns, results

EXAMPLES = """\
  ./bwv study report --example --design clusters --out clusters-report
  ./bwv study report pairs.csv --example --design pairs --out pairs-report
  ./bwv study report --example --design staggered --order-randomised --out wedge-report --json
"""


def main(argv: list[str]) -> int:
    """Write the report of an analysis into a folder; returns 0. Raises BwvError."""
    parser = Parser(
        prog="./bwv study report",
        description="Analyse and write report.html, which stands alone, and a CSV for every table of it.",
        examples=EXAMPLES,
    )
    add_columns(parser)
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for the files; earlier ones are replaced")
    parser.add_argument("--title", default="", help="title of the page")
    args = parser.parse_args(argv)
    done = results(args)
    from openbwv import __version__
    from openbwv.studies.report import study_report

    report = study_report(done, code_version=__version__, title=args.title)
    written = files.write_report(args.out, report.files())
    if args.json:
        files.say_json({"label": done[0].label.value, "files": written})
    else:
        files.say("\n".join(written))
    return 0
