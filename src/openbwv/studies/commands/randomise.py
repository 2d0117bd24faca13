"""`./bwv study randomise`."""

import json
from typing import Any

from openbwv.command import Parser
from openbwv.studies import files
from openbwv.studies.commands.columns import words
from openbwv.studies.errors import BadStudyOption

EXAMPLES = """\
  ./bwv study randomise officers.csv --example --design pairs --id officer --block station --pair-on years_served \\
      --balance force_before --seed 20261121 --out allocation.json
  ./bwv study randomise officers.csv --design clusters --id officer --balance years_served,force_before --seed 7 \\
      --out teams.json
  ./bwv study randomise officers.csv --design staggered --id officer --steps 4 --start 3 --seed 7 --out wedge.json
"""


def main(argv: list[str]) -> int:
    """Draw once, write allocation and list, print the hash; returns 0. Raises BwvError."""
    parser = Parser(
        prog="./bwv study randomise",
        description="Draw who gets cameras, or who gets them when. Written once: a second one is refused.",
        examples=EXAMPLES,
    )
    _options(parser)
    args = parser.parse_args(argv)
    from openbwv.studies.allocation import make_allocation
    from openbwv.studies.draw import Rules
    from openbwv.studies.examples import example_units
    from openbwv.studies.setup import Design
    from openbwv.studies.table import read_table

    if not args.out.endswith(".json") or args.seed < 0:
        raise BadStudyOption(what="--out must end in .json and --seed not be negative.", remedy="Change them.")
    if args.example and not files.exists(args.units):
        files.write_once(args.units, example_units())
    rules = Rules(
        design=Design(args.design),
        share=args.share,
        steps=args.steps,
        start=args.start,
        candidates=args.candidates,
        acceptance=args.accept,
    )
    table = read_table(files.read_bytes(args.units), file=args.units)
    document, listed = make_allocation(
        table,
        rules,
        id_column=args.id,
        block=args.block,
        pair_on=args.pair_on,
        balance=args.balance,
        seed=args.seed,
    )
    list_path = args.out.removesuffix(".json") + ".csv"
    files.write_once(args.out, (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode())
    files.write_once(list_path, listed.encode())
    answer = {name: value for name, value in document.items() if name != "units"} | {"files": [args.out, list_path]}
    if args.json:
        files.say_json(answer)
    else:
        files.say(_told(document, args.out, list_path))
    return 0


def _options(parser: Parser) -> None:
    parser.add_argument("units", metavar="UNITS.csv", help="one line for each officer, shift, team or borough to draw")
    parser.add_argument("--design", required=True, choices=("pairs", "shifts", "clusters", "staggered"))
    parser.add_argument("--id", required=True, metavar="COL", help="a unit's own id")
    parser.add_argument("--block", metavar="COL", help="draw within each; with pairs and no --pair-on, the pair itself")
    parser.add_argument(
        "--pair-on", type=words, default=(), metavar="COL,COL", help="pair those who are nearest in these"
    )
    parser.add_argument(
        "--balance", type=words, default=(), metavar="COL,COL", help="restrict the draw to ones that balance these"
    )
    parser.add_argument("--share", type=float, default=0.5, help="share treated in each block (default 0.5)")
    parser.add_argument("--steps", type=int, default=0, metavar="N", help="staggered: how many different starts")
    parser.add_argument("--start", type=int, default=1, metavar="N", help="staggered: the first period with cameras")
    parser.add_argument("--candidates", type=int, default=10_000, metavar="N", help="draws to choose among")
    parser.add_argument("--accept", type=float, default=0.1, metavar="SHARE", help="share of them that is acceptable")
    parser.add_argument("--seed", type=int, required=True, metavar="N", help="agreed in public before the draw")
    parser.add_argument(
        "--out", required=True, metavar="FILE.json", help="the allocation; a list FILE.csv goes beside it"
    )
    parser.add_argument("--example", action="store_true", help="write a seeded UNITS.csv first if there is none")
    parser.add_argument("--json", action="store_true", help="one line of JSON")


def _told(document: dict[str, Any], out: str, list_path: str) -> str:
    restriction = document["restriction"]
    lines = [f"{out} and {list_path}: {document['counts']}"]
    lines.append(f"  seed {document['seed']}, inputs {document['inputs_sha256']}")
    if restriction["criterion"]:
        lines.append(
            f"  {restriction['criterion']}: {restriction['accepted']} of {restriction['candidates']} draws acceptable "
            f"({restriction['distinct']} different), this one scores {restriction['score']:.4f}"
        )
    for row in document["balance"]:
        size = row.get("smd", row.get("correlation"))
        lines.append(f"  balance of {row['name']}: " + ("–" if size is None else f"{size:+.3f}"))
    lines += [f"  WARNING: {warning}" for warning in document["warnings"]]
    return "\n".join([*lines, f"  sha256 {document['sha256']}", "  Put this hash into the pre-registration."])
