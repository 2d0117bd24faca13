"""Small counts are not printed, and neither is what would let a reader work them out.

A count from 1 to one below the threshold can point at a person. When one row of a table is left out, the total gives it
away; so further rows, the smallest first, are left out until the rows left out number two or more and their sum is not
itself a small count (secondary suppression; Hundepool et al., Statistical Disclosure Control, 2012, chapter 4). The
total of the table stays printed.
"""

import numpy as np

THRESHOLD = 5


def is_small(counts: np.ndarray, *, threshold: int = THRESHOLD) -> np.ndarray:
    """Say which counts lie between 1 and `threshold` - 1."""
    return (counts > 0) & (counts < threshold)


def hide(
    counts: np.ndarray, *, threshold: int = THRESHOLD, small: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return which rows of `counts` (rows by columns; the first column is the size) are hidden: small, and as well.

    `small` replaces the rule for the first; without any small row nothing is hidden.
    """
    first = is_small(counts, threshold=threshold).any(axis=1) if small is None else small
    hidden = first.copy()
    if not first.any():
        return first, np.zeros_like(first)
    for place in np.lexsort((np.arange(len(counts)), counts[:, 0])):
        if _is_safe(counts[hidden], threshold):
            break
        hidden[place] = True
    return first, hidden & ~first


def _is_safe(hidden: np.ndarray, threshold: int) -> bool:
    return len(hidden) >= 2 and not is_small(hidden.sum(axis=0), threshold=threshold).any()
