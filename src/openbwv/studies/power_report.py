"""The page that answers: what could your trial detect?"""

from typing import Any

from openbwv.shared.report import Column, Footer, Report, Table
from openbwv.studies import plots

WORDS = {
    "irr": "true rate ratio",
    "mde": "detectable rate ratio, error at equal rates",
    "mde_solved": "detectable rate ratio, error at that ratio",
    "se": "standard error of the log ratio",
    "icc": "intraclass correlation",
    "rate": "events per exposure without cameras",
}


WEDGE_WORDS = {
    "effect": "true change per unit and period",
    "mde": "detectable change",
    "between": "variance between units",
    "within": "variance from period to period",
    "se": "standard error of the change",
}
COUNTS_DRAWN = "Counts drawn with the same rate, spread and cluster effect, analysed with clustered errors."
WEDGE_DRAWN = "Normal values drawn with the same variances, analysed by Hussey & Hughes with clustered errors."


def power_report(answer: dict[str, Any], *, code_version: str, seed: int) -> Report:
    """Return the report of `study power`, for a trial of counts or a staggered start."""
    key, true, words, note = (
        ("effect", "change", WEDGE_WORDS, WEDGE_DRAWN)
        if answer["design"] == "staggered"
        else ("irr", "rate ratio", WORDS, COUNTS_DRAWN)
    )
    report = Report(
        title="What could this trial detect?",
        lead=f"At a true {true} of {answer[key]:g} it would find the effect with chance {answer['power']:.2f}. "
        f"It can detect {answer['mde']:.3f} or stronger with chance {answer['wanted']:g}.",
        footer=Footer(code_version=code_version, seed=seed),
    )
    columns = (Column("what", "What"), Column("value", "Value", 4))
    facts = [{"what": words.get(name, name.replace("_", " ")), "value": v} for name, v in answer["facts"].items()]
    report.heading("The plan")
    report.table(Table("plan", "What was assumed and what follows", columns, facts, "Every input is an assumption."))
    caption = f"Power over the true {true}"
    curve = Table("curve", caption, (Column(key, f"True {true}", 2), Column("power", "Power", 4)), answer["curve"])
    points = [(row[key], row["power"]) for row in answer["curve"]]
    drawn = plots.power_curve(points, title=caption, planned=answer[key], wanted=answer["wanted"], axis=f"true {true}")
    report.figure(drawn, caption=caption, table=curve)
    if answer["simulated"]:
        more = [{"what": name, "value": value} for name, value in answer["simulated"].items()]
        report.table(Table("simulated", "The same by simulation", columns, more, note))
    return report
