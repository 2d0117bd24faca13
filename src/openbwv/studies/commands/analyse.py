"""`./bwv study analyse`."""

from typing import TYPE_CHECKING

from openbwv.command import Parser
from openbwv.studies.commands.columns import add_columns, results
from openbwv.studies.files import say, say_json
from openbwv.studies.labels import DesignLabel

if TYPE_CHECKING:
    from openbwv.studies.result import Result

EXAMPLES = """\
  ./bwv study analyse pairs.csv --example --design pairs
  ./bwv study analyse pairs.csv --design pairs --outcome force --assigned camera --block pair --baseline force_before \\
      --compliance videos --unit officer --json
  ./bwv study analyse --example --design clusters --draws 999
  ./bwv study analyse --example --design staggered --order-randomised --json
  ./bwv study analyse --example --design before-after
"""


def main(argv: list[str]) -> int:
    """Analyse and print; returns 0. Raises BwvError."""
    parser = Parser(
        prog="./bwv study analyse",
        description="Analyse a trial: the headline is intention to treat, with errors on the unit that was drawn.",
        examples=EXAMPLES,
    )
    add_columns(parser)
    args = parser.parse_args(argv)
    done = results(args)
    if args.json and len(done) == 1:
        say_json(done[0].as_dict())
    elif args.json:
        say_json({"label": done[0].label.value, "outcomes": [result.as_dict() for result in done]})
    else:
        for result in done:
            say(told(result))
    return 0


def told(result: "Result") -> str:
    """Return a result as lines for a person; every line with a number has its label."""
    units = "randomised units" if result.label is DesignLabel.RANDOMISED else "units"
    lines = [
        f"{result.setup.outcome}: {result.label.value}",
        f"  {result.label.sentence}",
        f"  {result.n} rows, {result.clusters} {units}, {len(result.excluded)} rows left out",
    ]
    for name, arm in result.arms.items():
        lines.append(f"  {name}: " + ", ".join(f"{key} {value:g}" for key, value in arm.items()))
    for estimate in result.estimates:
        lines.append(("  * " if estimate.headline else "    ") + str(estimate))
    if result.p_holm is not None:
        lines.append(f"  p adjusted for the family (Holm): {result.p_holm:.4f}")
    lines += [f"  left out, line {row['line']}: {row['why']}" for row in result.excluded[:10]]
    if len(result.excluded) > 10:
        lines.append(f"  and {len(result.excluded) - 10} more; --json lists all")
    if result.preregistration:
        lines.append(f"  registered {result.preregistration['sha256'][:16]}…, read before the data")
        lines += [f"  DEPARTURE: {departure}" for departure in result.preregistration["departures"]]
    if result.allocation:
        lines.append(f"  allocation {result.allocation['sha256'][:16]}…, as it was drawn")
    return "\n".join([*lines, *(f"  {note}" for note in result.notes), f"  data {result.data_sha256}", ""])
