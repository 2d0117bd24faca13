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


def power_report(answer: dict[str, Any], *, code_version: str, seed: int) -> Report:
    """Return the report of `study power` for a trial of counts."""
    report = Report(
        title="What could this trial detect?",
        lead=f"At a true rate ratio of {answer['irr']:g} it would find the effect with chance {answer['power']:.2f}. "
        f"It can detect {answer['mde']:.3f} or stronger with chance {answer['wanted']:g}.",
        footer=Footer(code_version=code_version, seed=seed),
    )
    columns = (Column("what", "What"), Column("value", "Value", 4))
    facts = [{"what": WORDS.get(name, name.replace("_", " ")), "value": v} for name, v in answer["facts"].items()]
    report.heading("The plan")
    report.table(Table("plan", "What was assumed and what follows", columns, facts, "Every input is an assumption."))
    caption = "Power over the true rate ratio"
    curve = Table("curve", caption, (Column("irr", "True ratio", 2), Column("power", "Power", 4)), answer["curve"])
    drawn = plots.power_curve(answer["curve"], title=caption, planned=answer["irr"], wanted=answer["wanted"])
    report.figure(drawn, caption=caption, table=curve)
    if answer["simulated"]:
        more = [{"what": name, "value": value} for name, value in answer["simulated"].items()]
        note = "Counts drawn with the same rate, spread and cluster effect, analysed with clustered errors."
        report.table(Table("simulated", "The same by simulation", columns, more, note))
    return report
