"""Why there is no plan: the smallest set of constraints that cannot be kept together.

1. A first set: the solver is given every constraint with a literal and says which literals it used (assumptions).
2. Deletion: each of them is left out in turn and stays out if there is still no plan; what remains is irreducible.
3. Smallest: a set in conflict meets the complement of every set that can be kept. So the smallest set that meets all
   complements found so far is either in conflict, and then smallest of all, or it can be kept and gives a new
   complement (implicit hitting sets: Ignatiev, Previti, Liffiton, Marques-Silva, CP 2015).

Each question is a whole solve with limited effort. A question that stays open counts as "can be kept": the constraint
then stays in the set, and the set is not called smallest.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ortools.sat.python import cp_model

from openbwv.rollout.certificate import certify
from openbwv.rollout.constraints import Constraint, constraints
from openbwv.rollout.problem import Problem
from openbwv.rollout.roster import Training, pool_roster
from openbwv.rollout.solver import FEASIBLE, NO, UNKNOWN, YES, build, engine, feasible

EFFORT = 6.0
ROUNDS = 40

Answer = tuple[str, frozenset[str]]  # yes with the keys a plan keeps, no, unknown
Question = Callable[[frozenset[str]], Answer]


@dataclass(frozen=True)
class Conflict:
    """Constraints that cannot be kept together, and whether no smaller set is in conflict."""

    conflict: tuple[Constraint, ...]
    smallest: bool


def smallest_conflict(problem: Problem, *, seed: int, effort: float = EFFORT) -> Conflict:
    """Return the smallest set of constraints of an infeasible problem that cannot be kept together."""
    known = {each.key: each for each in constraints(problem)}

    def question(keys: frozenset[str]) -> Answer:
        chosen = [each for key, each in known.items() if key in keys]
        answer, live = feasible(problem, chosen, seed=seed, effort=effort)
        return answer, kept_by(problem, live) if live is not None else frozenset()

    first = first_core(problem, list(known.values()), seed=seed, effort=effort)
    if first is None or question(frozenset(first))[0] != NO:
        first = list(known)
    irreducible, sure = reduce(first, question)
    if not sure:
        return Conflict(tuple(known[key] for key in irreducible), smallest=False)
    keys, smallest = shrink(list(known), irreducible, question)
    return Conflict(tuple(known[key] for key in known if key in keys), smallest)


def first_core(problem: Problem, chosen: Sequence[Constraint], *, seed: int, effort: float) -> list[str] | None:
    """Return the keys that the solver used to show that there is no plan, or None when it did not get that far."""
    made = build(problem, chosen, optional=True)
    made.model.add_assumptions(list(made.kept.values()))
    solver = engine(seed=seed, effort=effort)
    if solver.solve(made.model) != cp_model.INFEASIBLE:
        return None
    used = set(solver.sufficient_assumptions_for_infeasibility())
    return [key for key, literal in made.kept.items() if literal.index in used]


def kept_by(problem: Problem, live: dict[str, int]) -> frozenset[str]:
    """Return the keys of the constraints that a plan keeps, by the certificate's own counting."""
    trained: list[Training] = []
    for pool in problem.seats:
        trained += pool_roster(problem, pool, live) or []
    return frozenset(check.key for check in certify(problem, live, trained) if check.holds)


def reduce(keys: Sequence[str], question: Question) -> tuple[list[str], bool]:
    """Return a subset in conflict of which none can be left out, and whether every question was answered."""
    left, sure = list(keys), True
    for key in keys:
        without = frozenset(left) - {key}
        answer, _ = question(without)
        sure &= answer != UNKNOWN
        if answer == NO:
            left.remove(key)
    return left, sure


def shrink(known: Sequence[str], irreducible: Sequence[str], question: Question) -> tuple[set[str], bool]:
    """Return the smallest set in conflict and True; or the irreducible one and False when the rounds ran out."""
    complements: list[set[str]] = []
    for _ in range(ROUNDS):
        candidate = hitting_set(complements)
        if len(candidate) >= len(irreducible):
            return set(irreducible), True
        answer, kept = question(frozenset(candidate))
        if answer == NO:
            return candidate, True
        if answer == UNKNOWN:
            break
        complements.append(set(known) - grow(known, kept | candidate, question))
    return set(irreducible), False


def grow(known: Sequence[str], kept: frozenset[str] | set[str], question: Question) -> set[str]:
    """Return a larger set that can be kept: a constraint joins when a plan is found with it, few questions asked."""
    grown = set(kept)
    for key in known:
        if key not in grown and len(set(known) - grown) > 1:
            answer, more = question(frozenset({*grown, key}))
            if answer == YES:
                grown |= {key, *more}
    return grown


def hitting_set(sets: Sequence[set[str]]) -> set[str]:
    """Return a smallest set that shares an element with each of `sets`."""
    if not sets:
        return set()
    model = cp_model.CpModel()
    chosen = {key: model.new_bool_var(key) for key in sorted(set().union(*sets))}
    for each in sets:
        model.add_bool_or(chosen[key] for key in sorted(each))
    model.minimize(cp_model.LinearExpr.sum(list(chosen.values())))
    solver = engine(seed=1, effort=60.0)
    if solver.solve(model) not in FEASIBLE:
        return set()
    return {key for key, literal in chosen.items() if solver.value(literal)}
