"""`./bwv study replicate published`."""

from openbwv.command import Parser
from openbwv.studies.files import say, say_json

EXAMPLES = """\
  ./bwv study replicate published
  ./bwv study replicate published --json
"""


def main(argv: list[str]) -> int:
    """Print our figures beside the published ones; returns 0."""
    parser = Parser(
        prog="./bwv study replicate",
        description="Published results recomputed from their counts: ours, theirs, the difference, the design label.",
        examples=EXAMPLES,
    )
    parser.add_argument("what", choices=("published",), help="the results of docs/ref/studies.md")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="for the simulated power (default 1)")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    args = parser.parse_args(argv)
    from openbwv.studies.estimates import chance_shown
    from openbwv.studies.replicate import replicate

    found = replicate(seed=args.seed)
    if args.json:
        say_json(found)
        return 0
    head = ""
    for row in found["rows"]:
        name = f"{row['study']}: {row['outcome']} [{row['label']}; {row['status']}]"
        if name != head:
            say(f"\n{name}\n  {row['note']}")
            head = name
        theirs = "–" if row["published"] is None else f"{row['published']:.4f}"
        gap = "" if row["difference"] is None else f"  difference {row['difference']:+.5f}"
        ours = chance_shown(row["ours"]) if row["figure"].endswith("_p") else f"{row['ours']:.4f}"
        say(f"    {row['figure']:<15} ours {ours:<10} published {theirs:<9}{gap}")
    say("\nReported figures that nothing here can recompute:")
    for row in found["reported"]:
        note = f"; {row['note']}" if row["note"] else ""
        say(f"    {row['study']}, {row['outcome']}: {row['figure']} [{row['label']}; {row['status']}]{note}")
    say(f"\nPower by simulation (seed {found['seed']}):")
    for row in found["power"]:
        say(
            f"    {row['study']} at {row['irr']}: closed form {row['closed']:.4f}, simulated {row['simulated']:.4f} "
            f"({row['low']:.4f} to {row['high']:.4f}), could detect {row['detectable']:.4f}"
        )
    return 0
