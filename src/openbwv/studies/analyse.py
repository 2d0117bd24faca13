"""The analysis of a trial: every model of the design, and the one whose interval may be told first.

Which leads is decided by the design before any p is seen: the Poisson ratio with standard errors clustered on the
randomised unit; the corrected GEE below 40 units; the wild cluster bootstrap below 20; the exact ratio where rows are
drawn one by one and events are rare; a difference of means where a ratio has no interval or the outcome is no count.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from openbwv.studies import counts, means
from openbwv.studies.allocated import as_drawn, match
from openbwv.studies.allocation import Allocation
from openbwv.studies.balance import balance, contamination
from openbwv.studies.before_after import FEW_EVENTS, analyse_before_after
from openbwv.studies.bootstrap import wild_bootstrap
from openbwv.studies.estimates import Estimand, Estimate, Model, one_headline
from openbwv.studies.hussey_hughes import hussey_hughes
from openbwv.studies.multiple import holm
from openbwv.studies.panel import prepare_panel
from openbwv.studies.permutation import randomisation_inference
from openbwv.studies.result import Result
from openbwv.studies.setup import Design, Setup
from openbwv.studies.staggered import effects, permutation_p
from openbwv.studies.table import Table
from openbwv.studies.trial import Trial, prepare

FEW_FOR_SANDWICH, FEW_FOR_GEE = 40, 20
DAYS_PER_YEAR = 365.25


def analyse(table: Table, setup: Setup, *, allocation: Allocation | None = None) -> Result:
    """Analyse one outcome; with an allocation its arms are taken, and its draw is made again. Raises BwvError."""
    matched = match(table, setup, allocation) if allocation else None
    if setup.design is Design.BEFORE_AFTER:
        result = analyse_before_after(table, setup)
    elif setup.design is Design.STAGGERED:
        setup = replace(setup, order_randomised=setup.order_randomised or matched is not None)
        result = analyse_staggered(table, setup, starts=matched.arms if matched else None)
    else:
        arms, blocks = (matched.arms, matched.blocks) if matched else (None, None)
        trial = prepare(table, setup, arms=arms, blocks=blocks)
        result = analyse_trial(trial, drawn=as_drawn(trial, allocation) if allocation else None)
    result.data_sha256 = table.sha256
    result.allocation = matched.about if matched else None
    return result


def analyse_family(results: Sequence[Result]) -> None:
    """Adjust the headlines' p of several outcomes by Holm, in place."""
    for result, p in zip(results, holm([result.headline.p for result in results]), strict=True):
        result.p_holm = p


def analyse_trial(trial: Trial, *, drawn: Estimate | None = None) -> Result:
    """Return every estimate of a two-arm trial, the headline first; `drawn` is its randomisation p, if known."""
    found = [counts.poisson_clustered(trial)] if _has_rates(trial) else []
    found += [each for each in (counts.gee(trial), _few(trial)) if each is not None] if found else []
    if found:
        found += [counts.poisson_rows(trial), counts.quasi_poisson(trial)]
    if found and trial.is_count:
        found += [counts.nb2(trial), counts.exact(trial)]
    found.append(means.difference(trial))
    more = (means.within_blocks(trial), means.change(trial), drawn or randomisation_inference(trial))
    found += [each for each in more if each is not None]
    complier = means.complier_effect(trial)
    if complier:
        found.append(complier[0])
    return Result(
        setup=trial.setup,
        n=trial.n,
        clusters=trial.clusters,
        estimates=one_headline(found, leading(trial, found)),
        rows=trial.rows,
        excluded=trial.excluded,
        arms={"treated": _arm(trial, 1), "control": _arm(trial, 0)},
        balance=balance(trial),
        contamination=contamination(trial),
        first_stage=complier[1] if complier else None,
        notes=[*trial.notes, *_cautions(trial)],
    )


def leading(trial: Trial, found: Sequence[Estimate]) -> Model:
    """Return the model that leads, by design, number of units and number of events alone."""
    usable = {each.model for each in found if each.value is not None and each.p is not None and each.converged}
    wanted: list[Model] = []
    if trial.is_count and not trial.clustered and min(trial.arm(0)["events"], trial.arm(1)["events"]) < FEW_EVENTS:
        wanted.append(Model.EXACT)
    if trial.clustered and trial.clusters < FEW_FOR_GEE:
        wanted.append(Model.WILD_BOOTSTRAP)
    if trial.clustered and trial.clusters < FEW_FOR_SANDWICH:
        wanted.append(Model.GEE)
    wanted += [Model.POISSON_CLUSTERED, Model.CLUSTER_MEANS_HC2, Model.MEANS_HC2]
    last = Model.CLUSTER_MEANS_HC2 if any(e.model is Model.CLUSTER_MEANS_HC2 for e in found) else Model.MEANS_HC2
    return next((model for model in wanted if model in usable), last)


def _has_rates(trial: Trial) -> bool:
    return bool((trial.outcome >= 0).all())


def _few(trial: Trial) -> Estimate | None:
    return wild_bootstrap(trial) if trial.clustered and trial.clusters < FEW_FOR_GEE else None


def _arm(trial: Trial, treated: int) -> dict[str, float]:
    arm = trial.arm(treated)
    days = trial.setup.window_days
    if days:
        arm["per_1000_a_year"] = 1000 * arm["events"] / arm["n"] * DAYS_PER_YEAR / days
    return arm


def _cautions(trial: Trial) -> list[str]:
    notes = []
    units = min(trial.arm(1)["units"], trial.arm(0)["units"])
    if units < 5:
        held = "one randomised unit" if units == 1 else f"{units:.0f} randomised units"
        notes.append(f"An arm has {held}; no interval is to be trusted with so few.")
    if trial.clustered and trial.clusters < FEW_FOR_GEE and trial.setup.draws < 1:
        notes.append("Fewer than 20 randomised units and no draws: the interval shown is too narrow; set --draws.")
    if np.ptp(trial.outcome) == 0:
        notes.append("The outcome is the same in every row.")
    if trial.compliance is None and trial.together is None:
        notes.append("The data say nothing about cameras in the control arm (--compliance, --together).")
    if trial.setup.window_days:
        notes.append(f"Rates per 1,000 a year are counts over {trial.setup.window_days:g} days times 365.25 / that.")
    return notes


def analyse_staggered(table: Table, setup: Setup, *, starts: np.ndarray | None = None) -> Result:
    """Return Callaway & Sant'Anna as headline, Hussey & Hughes and the permutation beside it, and the event study."""
    panel = prepare_panel(table, setup, starts=starts)
    simple, study = effects(panel)
    clusters = int(panel.cluster.max()) + 1

    def make(model: Model, **values: object) -> Estimate:
        many = clusters < panel.units
        shape: dict = {"label": setup.label, "estimand": Estimand.ATT, "measure": "difference", "clustered": many}
        return Estimate(model=model, **(shape | values))

    note = "not yet treated as controls, simple average, change per unit and period"
    ends = {"value": simple.value, "low": simple.low, "high": simple.high, "p": simple.p, "se": simple.se}
    found = [make(Model.CALLAWAY_SANTANNA, headline=True, note=note, **ends)]
    fit = hussey_hughes(panel)
    if fit:
        inside = fit.effect
        icc = fit.sigma2_between / (fit.sigma2_between + fit.sigma2_within)
        note = f"one lasting effect assumed; intraclass correlation {icc:.3f}; model's own se {fit.model_se:.4f}"
        ends = {"value": inside.value, "low": inside.low, "high": inside.high, "p": inside.p, "se": inside.se}
        found.append(make(Model.HUSSEY_HUGHES, note=note, **ends))
    p = permutation_p(panel, draws=setup.draws, rng=np.random.default_rng(setup.seed))
    if p is not None:
        only = "" if setup.order_randomised else "; means something only if the order was drawn"
        note = f"starts dealt anew, {setup.draws} draws, seed {setup.seed}{only}"
        found.append(make(Model.RANDOMISATION, value=simple.value, p=p, note=note))
    order = "The order of starting was drawn." if setup.order_randomised else _NOT_DRAWN
    sizes = {int(start): int((panel.start == start).sum()) for start in np.unique(panel.start)}
    never = sizes.pop(len(panel.periods), 0)
    arms = {f"first in {panel.periods[start]:g}": {"units": float(n)} for start, n in sizes.items()}
    if never:
        arms["never"] = {"units": float(never)}
    return Result(
        setup=setup,
        n=int(np.isfinite(panel.outcome).sum()),
        clusters=clusters,
        estimates=found,
        rows=panel.rows,
        excluded=panel.excluded,
        arms=arms,
        event_study=study.lags,
        pre_trend=study.pre_trend,
        notes=[*panel.notes, order],
    )


_NOT_DRAWN = "Nothing says that the order of starting was drawn (--order-randomised), so this is quasi-experimental."
