"""`./bwv rollout`: plan who gets cameras when, plan again when it slips, report."""

import json
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from openbwv.command import Parser
from openbwv.rollout.errors import BadPlanFile, BadRolloutOption

EXAMPLES = """\
  ./bwv rollout plan --example london --out plan
  ./bwv rollout plan london/plan.yaml --randomise --seed 7 --json
  ./bwv rollout plan --example met30 --cameras 30000 --one-force
  ./bwv rollout replan london/plan.yaml --plan plan/plan.json --actuals london/actuals.yaml --out replan
  ./bwv rollout replan --example london --json
  ./bwv rollout report replan/plan.json --out report
  ./bwv rollout report --example london --out report
"""
ABOUT = {
    "plan": "a plan from a plan file and a units file, checked, or the smallest conflict",
    "replan": "plan again with what has happened: slip, cause, new dates",
    "report": "the HTML report of a plan.json, with a CSV for every table",
}
EXAMPLE_HELP = "write example files to DIR (left alone if there) and run on them"


def main(argv: list[str]) -> int:
    """Run `./bwv rollout …` and return its exit code; raises BwvError."""
    parser = Parser(prog="./bwv rollout", description=__doc__, examples=EXAMPLES)
    choices = parser.add_subparsers(dest="deed", required=True, metavar="{" + ",".join(ABOUT) + "}")
    for deed, about in ABOUT.items():
        choices.add_parser(deed, help=about, add_help=False)
    deed = parser.parse_args(argv[:1]).deed
    return {"plan": _plan, "replan": _replan, "report": _report}[deed](argv[1:])


def _parser(deed: str) -> Parser:
    own = "".join(line + "\n" for line in EXAMPLES.splitlines() if f"rollout {deed}" in line)
    parser = Parser(prog=f"./bwv rollout {deed}", description=ABOUT[deed], examples=own)
    parser.add_argument("--example", metavar="DIR", help=EXAMPLE_HELP)
    parser.add_argument("--cameras", type=int, default=22_000, metavar="N", help="London's cameras in the example")
    parser.add_argument("--one-force", action="store_true", help="leave the second force out of the example")
    parser.add_argument("--out", metavar="DIR", help="write plan.json, report.html and a CSV for every table")
    parser.add_argument("--force", action="store_true", help="replace files that are in DIR already")
    parser.add_argument("--seed", type=int, default=1, help="seed of search and chance; same seed, same plan")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def _search_options(parser: Parser) -> None:
    parser.add_argument("file", nargs="?", metavar="PLAN.yaml", help="the plan file")
    parser.add_argument("--units", metavar="CSV", help="units file (default: the plan's `units`, beside it)")
    parser.add_argument("--effort", type=float, default=1.0, metavar="X", help="search X times as long (default 1)")


def _plan(argv: list[str]) -> int:
    parser = _parser("plan")
    _search_options(parser)
    parser.add_argument("--randomise", action="store_true", help="a random order within the constraints: a trial")
    args = parser.parse_args(argv)
    _prepare(parser, args)
    problem, inputs = _problem(args)
    result, _ = _solve(args, problem, inputs)
    _hand_over(args, result)
    return 0


def _replan(argv: list[str]) -> int:
    parser = _parser("replan")
    _search_options(parser)
    parser.add_argument("--plan", metavar="JSON", help="the earlier plan.json (default: planned afresh)")
    parser.add_argument("--actuals", metavar="YAML", help="what has happened since")
    args = parser.parse_args(argv)
    _prepare(parser, args)
    args.randomise = False
    if args.actuals is None:
        if not args.example:
            parser.error("--actuals is missing; or use --example DIR")
        from openbwv.rollout.files import beside

        args.actuals = beside(args.file, "actuals.yaml")
    from openbwv.rollout.changes import read_actuals
    from openbwv.rollout.files import read
    from openbwv.rollout.outcome import cumulative, digest, outcome, planned_weeks
    from openbwv.rollout.replan import as_dict, replan

    problem, inputs = _problem(args)
    if args.plan:
        earlier_json = read(args.plan)
        planned = planned_weeks(earlier_json, file=args.plan, problem=problem)
        inputs.append(earlier_json)
    else:
        planned = _solve(args, problem, inputs)[1]
    happened = read(args.actuals)
    actuals = read_actuals(happened, file=args.actuals, problem=problem, planned=planned)
    new = replan(problem, actuals, planned, seed=args.seed, effort=args.effort)
    inputs_sha256 = digest(*inputs, happened)
    result = outcome(new.problem, new.plan, inputs_sha256=inputs_sha256, seed=args.seed, trial=None)
    weeks = {name: week + 1 for name, week in planned.items()}
    slip = {"earlier_weeks": weeks, "earlier_cumulative": cumulative(problem, planned)}
    _hand_over(args, {**result, "slip": {**as_dict(new), **slip}})
    return 0


def _report(argv: list[str]) -> int:
    parser = _parser("report")
    parser.add_argument("file", nargs="?", metavar="PLAN.json", help="a plan.json of plan or replan")
    parser.add_argument(
        "--share-with-video", type=float, default=0.5, metavar="S", help="complaints with footage, an assumption (0.5)"
    )
    args = parser.parse_args(argv)
    if not 0 <= args.share_with_video <= 1:
        raise BadRolloutOption(what="A share lies between 0 and 1.", remedy="Give --share-with-video 0.5 or the like.")
    if args.out is None:
        parser.error("--out is missing: where the report is to be written")
    if args.file is None:
        if not args.example:
            parser.error("PLAN.json is missing; or use --example DIR")
        args.units, args.effort, args.randomise = None, 1.0, False
        _prepare(parser, args)
        result, _ = _solve(args, *_problem(args))
    else:
        from openbwv.rollout.files import read

        try:
            result = json.loads(read(args.file))
        except ValueError as problem:
            words = "this is no plan.json."
            raise BadPlanFile(file=args.file, line=1, column=1, problem=words) from problem
    _hand_over(args, result)
    return 0


def _prepare(parser: Parser, args: Namespace) -> None:
    """Write the example files where they are wanted and missing, and point at them."""
    if args.example:
        if args.file:
            parser.error("give a file or --example, not both")
        if not 1_000 <= args.cameras <= 100_000:
            raise BadRolloutOption(what="The example takes 1,000 to 100,000 cameras.", remedy="Give --cameras 22000.")
        from openbwv.rollout.example import files
        from openbwv.rollout.files import beside, write_missing

        write_missing(args.example, files(cameras=args.cameras, second_force=not args.one_force))
        args.file = beside(args.example + "/x", "plan.yaml")
    elif args.file is None:
        parser.error("a plan file is missing; or use --example DIR")


def _problem(args: Namespace) -> tuple[Any, list[bytes]]:
    """Return the problem of a plan file and its units, and the bytes they were read from."""
    from openbwv.rollout.files import beside, read
    from openbwv.rollout.schema import PlanFile
    from openbwv.rollout.units import read_units

    if args.seed < 0:
        raise BadRolloutOption(what="A seed is 0 or more.", remedy="Give --seed 1 or the like.")
    if not 0.01 <= args.effort <= 1000:
        raise BadRolloutOption(what="--effort lies between 0.01 and 1000.", remedy="Give --effort 1 or the like.")
    text = read(args.file)
    plan_file = PlanFile(text, file=args.file)
    units_path = args.units or (beside(args.file, plan_file.units_file) if plan_file.units_file else None)
    if units_path is None:
        raise BadRolloutOption(what="The plan names no units file.", remedy="Give --units FILE.csv or a field 'units'.")
    table = read(units_path)
    units = read_units(table, file=units_path, calendar=plan_file.calendar)
    return plan_file.problem(units.units), [text, table]


def _solve(args: Namespace, problem: Any, inputs: list[bytes]) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the plan as data and its weeks (from 0); randomised when asked for."""
    from openbwv.rollout.order import power, random_order
    from openbwv.rollout.outcome import digest, outcome
    from openbwv.rollout.plan import checked, make_plan

    plan = make_plan(problem, seed=args.seed, effort=args.effort)
    trial = None
    if args.randomise:
        chosen = random_order(problem, finish=plan.finish, seed=args.seed)
        plan = checked(problem, chosen.live, [stage for stage in plan.stages if stage.name == "finish"])
        drawn = {"seed": args.seed, "draws": chosen.draws, "order": chosen.order, "not_drawn": chosen.not_drawn}
        trial = {**drawn, "latest_week": chosen.latest + 1, **power(problem, chosen)}
    result = outcome(problem, plan, inputs_sha256=digest(*inputs), seed=args.seed, trial=trial)
    return result, plan.live


def _hand_over(args: Namespace, result: Mapping[str, Any]) -> None:
    written: list[str] = []
    if args.out:
        from openbwv.rollout.files import write_all
        from openbwv.rollout.report import plan_report

        share = getattr(args, "share_with_video", 0.5)
        try:
            texts = {**plan_report(result, share_with_video=share).files(), "plan.json": json.dumps(result) + "\n"}
        except (KeyError, TypeError, AttributeError, ValueError, IndexError) as problem:
            words = f"this is no whole plan.json: {problem!r}."
            raise BadPlanFile(file=args.file, line=1, column=1, problem=words, remedy="Plan again.") from problem
        written = write_all(args.out, texts, replace=args.force)
    if args.json:
        print(json.dumps({**result, "files": written} if written else result))
        return
    print("\n".join([*_lines(result), *(f"wrote {path}" for path in written)]))


def _lines(result: Mapping[str, Any]) -> list[str]:
    own = result["certificate"]
    lines = [
        f"{result['title']}: {result['cameras']:,} cameras, {len(result['units'])} units",
        f"last unit live in week {result['finish_week']} (from {result['finish_monday']})",
        f"order: {result['order']} [{result['label']}]",
        f"aim: {result['objective']}",
    ]
    for stage in result["stages"]:
        proof = "proved best" if stage["proved"] else f"no plan does better than {stage['bound']:.2f}"
        lines.append(f"  {stage['name']}: {stage['final']:.2f} {stage['unit']} (reached {stage['value']:.2f}, {proof})")
    lines.append(f"certificate: {own['checked']} checks without the solver, {'all hold' if own['holds'] else 'BROKEN'}")
    if result["trial"]:
        trial = result["trial"]
        lines.append(f"trial: stepped wedge, randomised, {trial['units']} units, power {trial['power']:.3f}")
        lines += [f"  {row['name']}: {row['value']} [{row['status']}; {row['source']}]" for row in trial["assumptions"]]
    slip = result.get("slip")
    if slip:
        lines.append(f"slip: {slip['slip_weeks']} weeks (week {slip['earlier_finish_week']} was planned)")
        for cause in slip["causes"]:
            right = cause["finish_if_put_right"] or "beyond the horizon"
            lines.append(f"  {cause['words']}: put right alone, week {right} ({cause['restores_weeks']} weeks back)")
        if slip["restoring"]:
            lines.append("  restored by putting right: " + "; and ".join(slip["restoring"]))
    lines.append(f"{'week':>5}  {'monday':<11}{'cameras':>8}  unit")
    for unit in sorted(result["units"], key=lambda unit: (unit["live_week"], unit["unit"])):
        where = f"{unit['unit']}, {unit['force']}"
        lines.append(
            f"{unit['live_week']:>5}  {unit['live_monday']:<11}{unit['cameras']:>8,}  {where} [{unit['status']}]"
        )
    return lines
