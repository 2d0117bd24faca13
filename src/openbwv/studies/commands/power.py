"""`./bwv study power`."""

import argparse
from typing import Any

from openbwv.command import Parser
from openbwv.studies import files
from openbwv.studies.errors import BadStudyOption

EXAMPLES = """\
  ./bwv study power --example
  ./bwv study power --rate 0.39 --treated 814 --control 1246 --clusters 19,29 --irr 0.67 --icc 0.02 \\
      --overdispersion 1.5 --simulate 2000 --json
  ./bwv study power --rate 0.034 --treated 489 --control 499 --irr 0.48
  ./bwv study power --design staggered --units 32 --periods 14 --steps 8 --effect -1.5 --between 16 --within 20 \\
      --simulate 500 --out wedge
"""
WEDGE = ("units", "periods", "steps", "effect", "between", "within")
COUNTS = ("rate", "treated", "control", "irr")
LONDON = {"rate": 0.39, "treated": 814, "control": 1246, "clusters": (19, 29), "irr": 0.67}


def main(argv: list[str]) -> int:
    """Print power and what could be detected; returns 0. Raises BwvError."""
    parser = Parser(
        prog="./bwv study power",
        description="What could your trial detect? In closed form, by simulation, as a curve.",
        examples=EXAMPLES,
    )
    _options(parser)
    args = parser.parse_args(argv)
    if args.example and args.rate is None:
        for name, value in LONDON.items():
            setattr(args, name, value)
        args.icc, args.overdispersion = 0.02, 1.5
    wedge = args.design == "staggered"
    missing = [f"--{name}" for name in (WEDGE if wedge else COUNTS) if getattr(args, name) is None]
    if missing:
        raise BadStudyOption(what=f"Missing: {', '.join(missing)}.", remedy="Give them, or try --example.")
    if not 0 < args.wanted < 1 or args.simulate < 0 or args.seed < 0:
        raise BadStudyOption(
            what="--wanted must lie between 0 and 1; --simulate and --seed must not be negative.", remedy="Change them."
        )
    answer = _wedge(args) if wedge else _counts(args)
    if args.out:
        from openbwv import __version__
        from openbwv.studies.power_report import power_report

        files.write_report(args.out, power_report(answer, code_version=__version__, seed=args.seed).files())
    if args.json:
        files.say_json(answer)
    else:
        files.say(_told(answer, args))
    return 0


def _options(parser: Parser) -> None:
    parser.add_argument(
        "--design", choices=("pairs", "shifts", "clusters", "staggered"), default="clusters", help="default clusters"
    )
    counts = parser.add_argument_group("counts in two arms")
    counts.add_argument("--rate", type=float, metavar="R", help="events per exposure without cameras")
    counts.add_argument("--treated", type=int, metavar="N", help="rows (officers, shifts) with cameras")
    counts.add_argument("--control", type=int, metavar="N", help="rows without")
    counts.add_argument("--exposure", type=float, default=1.0, metavar="E", help="exposure of a row (default 1)")
    counts.add_argument("--clusters", type=_two, metavar="N|A,B", help="teams in all, or in each arm")
    counts.add_argument("--irr", type=float, metavar="R", help="the ratio hoped for")
    counts.add_argument("--icc", type=float, default=0.0, help="correlation of two rows of a cluster (default 0)")
    counts.add_argument("--overdispersion", type=float, default=1.0, metavar="V", help="variance over mean of a row")
    wedge = parser.add_argument_group("staggered (Hussey & Hughes)")
    wedge.add_argument("--units", type=int, metavar="N", help="boroughs")
    wedge.add_argument("--periods", type=int, metavar="N", help="months measured")
    wedge.add_argument("--steps", type=int, metavar="N", help="different starts, spread evenly, the first in period 2")
    wedge.add_argument("--effect", type=float, metavar="D", help="change per unit and period")
    wedge.add_argument("--between", type=float, metavar="V", help="variance between units")
    wedge.add_argument("--within", type=float, metavar="V", help="variance of a unit's value from period to period")
    parser.add_argument("--alpha", type=float, default=0.05, metavar="A", help="two-sided (default 0.05)")
    parser.add_argument("--wanted", type=float, default=0.8, metavar="P", help="power for the detectable effect")
    parser.add_argument("--simulate", type=int, default=0, metavar="N", help="also draw N such trials")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="for the simulation (default 1)")
    parser.add_argument("--out", metavar="DIR", help="write a report with the curve")
    parser.add_argument("--example", action="store_true", help="the London trial of 2014")
    parser.add_argument("--json", action="store_true", help="one line of JSON")


def _two(text: str) -> tuple[int, int]:
    parts = [int(part) for part in text.split(",")]
    if len(parts) == 1:
        return parts[0] // 2, parts[0] - parts[0] // 2
    if len(parts) != 2:
        raise argparse.ArgumentTypeError("give one number, or two with a comma")
    return parts[0], parts[1]


def _counts(args: argparse.Namespace) -> dict[str, Any]:
    from dataclasses import asdict

    import numpy as np

    from openbwv.studies.power import Plan, curve, power, simulate

    plan = Plan(
        rows_treated=args.treated,
        rows_control=args.control,
        rate=args.rate,
        irr=args.irr,
        exposure=args.exposure,
        clusters_treated=args.clusters[0] if args.clusters else None,
        clusters_control=args.clusters[1] if args.clusters else None,
        icc=args.icc,
        overdispersion=args.overdispersion,
        alpha=args.alpha,
    )
    found = power(plan, wanted=args.wanted)
    rng = np.random.default_rng(args.seed)
    drawn = asdict(simulate(plan, trials=args.simulate, rng=rng)) if args.simulate else None
    said = {
        "power": found.power,
        "mde": found.detectable,
        "mde_solved": found.solved,
        "se": found.se,
        "events_treated": found.events_treated,
        "events_control": found.events_control,
        "design_effect": found.design_effect,
    }
    shape = {"design": args.design, "label": "a plan, no result", "irr": plan.irr, "wanted": args.wanted}
    return (
        shape
        | said
        | {
            "simulated": drawn,
            "curve": curve(plan),
            "assumptions": asdict(plan),
            "facts": asdict(plan) | said,
            "seed": args.seed,
        }
    )


def _wedge(args: argparse.Namespace) -> dict[str, Any]:
    from dataclasses import asdict

    import numpy as np

    from openbwv.studies.wedge_plan import WedgePlan, curve, power, simulate

    plan = WedgePlan(**{name: getattr(args, name) for name in (*WEDGE, "alpha")})
    said = power(plan, wanted=args.wanted)
    rng = np.random.default_rng(args.seed)
    shape = {"design": args.design, "label": "a plan, no result", "effect": plan.effect, "wanted": args.wanted}
    return (
        shape
        | said
        | {
            "simulated": asdict(simulate(plan, trials=args.simulate, rng=rng)) if args.simulate else None,
            "curve": curve(plan, widest=2 * max(said["mde"], abs(plan.effect))),
            "assumptions": asdict(plan),
            "facts": asdict(plan) | said,
            "seed": args.seed,
        }
    )


def _told(answer: dict[str, Any], args: argparse.Namespace) -> str:
    lines = [f"power {answer['power']:.4f}, standard error {answer['se']:.4f} ({answer['label']})"]
    what = "a change of" if answer["design"] == "staggered" else "a rate ratio of"
    lines.append(f"with power {args.wanted:g} it could detect {what} {answer['mde']:.4f} or stronger")
    if "mde_solved" in answer:
        solved = answer["mde_solved"]
        lines.append(
            "that is with the error at equal rates; with the error at the ratio itself "
            + (f"{solved:.4f}" if solved else "no ratio below 1 would do")
        )
    if answer.get("simulated"):
        drawn = answer["simulated"]
        lines.append(
            f"simulated power {drawn['power']:.4f} ({drawn['low']:.4f} to {drawn['high']:.4f}), "
            f"{drawn['trials']} trials, seed {args.seed}"
        )
    for name, value in answer["assumptions"].items():
        lines.append(f"  assumed {name.replace('_', ' ')}: {'none' if value is None else value}")
    for row in answer["curve"]:
        true = f"change {row['effect']:.4g}" if "effect" in row else f"ratio {row['irr']:.2f}"
        lines.append(f"  {true}: power {row['power']:.3f}")
    return "\n".join(lines)
