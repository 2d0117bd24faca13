"""`./bwv study`: design, randomise, power, analyse, report, outcomes, replicate."""

from importlib import import_module

from openbwv.command import Parser

EXAMPLES = """\
  ./bwv study analyse --example --design pairs
  ./bwv study replicate published
  ./bwv study power --rate 0.39 --treated 814 --control 1246 --clusters 19,29 --irr 0.67 --icc 0.02 --overdispersion 1.5
"""
ABOUT = {
    "design": "write or check a pre-registration, and hash it",
    "randomise": "draw who gets cameras, once, by a seed",
    "power": "what could your trial detect?",
    "analyse": "estimates with their design label, intention to treat first",
    "report": "the same as a page that stands alone, with a CSV beside every table",
    "outcomes": "complaints, early guilty pleas, time to the case file",
    "replicate": "published figures beside ours",
}


def main(argv: list[str]) -> int:
    """Run `./bwv study …` and return its exit code; raises BwvError."""
    parser = Parser(
        prog="./bwv study",
        description="Camera trials, from the draw to the report. No number comes without its design label.",
        examples=EXAMPLES,
    )
    choices = parser.add_subparsers(dest="deed", required=True, metavar="{" + ",".join(ABOUT) + "}")
    for deed, about in ABOUT.items():
        choices.add_parser(deed, help=about, add_help=False)
    deed = parser.parse_args(argv[:1]).deed
    # statsmodels and pandas take seconds to load: only what is asked for is imported
    return int(import_module(f"openbwv.studies.commands.{deed}").main(argv[1:]))
