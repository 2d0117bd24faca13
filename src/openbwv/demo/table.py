"""What was shown, as a table: step, claim, who judged it, how long it took."""

import json
import textwrap
from dataclasses import asdict, dataclass

WIDTH = 100


@dataclass(frozen=True)
class Shown:
    """One claim and the program that judged it, which is never the one that did the deed."""

    claim: str
    judge: str


@dataclass(frozen=True)
class StepResult:
    """How a step ended: shown or failed."""

    number: int
    title: str
    state: str
    seconds: float
    shown: tuple[Shown, ...] = ()
    problem: str = ""


def as_text(results: list[StepResult]) -> str:
    """Return the table for a terminal."""
    lines = ["", "What was shown" + " " * (WIDTH - 34) + "judged by", "-" * WIDTH]
    for result in results:
        lines.append(f"{result.number:2}. {result.title}  ({_state(result)})")
        for shown in result.shown:
            pieces = textwrap.wrap(shown.claim, WIDTH - 28) or [""]
            lines.append(f"      {pieces[0]:<{WIDTH - 28}}  {shown.judge}")
            lines.extend(f"        {piece}" for piece in pieces[1:])
        if result.problem:
            lines.extend(f"      {line}" for line in result.problem.splitlines())
    lines.append("-" * WIDTH)
    lines.append(summary(results))
    return "\n".join(lines)


def as_json(results: list[StepResult]) -> str:
    """Return the table as JSON."""
    states = [result.state for result in results]
    return json.dumps(
        {
            "ok": "failed" not in states,
            "seconds": round(sum(result.seconds for result in results), 1),
            "steps": [asdict(result) for result in results],
        },
        indent=1,
    )


def summary(results: list[StepResult]) -> str:
    """Return the last line: how many steps, and which failed."""
    seconds = sum(result.seconds for result in results)
    shown = sum(result.state == "shown" for result in results)
    failed = [str(result.number) for result in results if result.state == "failed"]
    line = f"{shown} of {len(results)} steps shown in {seconds:.0f} s."
    if failed:
        line += f" FAILED: {', '.join(failed)}."
    return line


def _state(result: StepResult) -> str:
    return f"{result.seconds:.1f} s" if result.state == "shown" else result.state.upper()
