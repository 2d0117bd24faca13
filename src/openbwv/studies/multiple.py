"""Several outcomes of one family: Holm's step-down p (Scandinavian Journal of Statistics 6, 1979)."""

from collections.abc import Sequence


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return the adjusted p of each, in the order given; a missing one stays missing and still counts as a test."""
    tests = len(p_values)
    order = sorted(range(tests), key=lambda index: 2.0 if p_values[index] is None else p_values[index])  # type: ignore[arg-type, return-value]
    adjusted: list[float | None] = [None] * tests
    worst = 0.0
    for rank, index in enumerate(order):
        p = p_values[index]
        if p is not None:
            worst = max(worst, min(1.0, (tests - rank) * p))
            adjusted[index] = worst
    return adjusted
