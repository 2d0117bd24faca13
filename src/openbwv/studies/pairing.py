"""Matched pairs: officers who are alike are put together, so that the draw between them is a fair one.

Distance is Mahalanobis on the columns named (Rubin 1980), within each block; the nearest two are paired first, then the
nearest two of those left. An odd one stays alone. Ties go to whoever stands first in the file, so nothing is random.
"""

import numpy as np

from openbwv.studies.errors import CannotAnalyse

LARGEST_BLOCK = 4000  # officers; all distances of a block are held at once


def match_pairs(covariates: np.ndarray, block: np.ndarray) -> np.ndarray:
    """Return the pair number of each row; raises CannotAnalyse for a block too large to hold or a missing value."""
    if not np.isfinite(covariates).all():
        row = int(np.flatnonzero(~np.isfinite(covariates).all(axis=1))[0]) + 1
        raise CannotAnalyse(
            what=f"Row {row} has no value in a column to pair on.", remedy="Fill it in, or leave that column out."
        )
    pair = np.full(len(block), -1)
    scaled = _whitened(covariates)
    number = 0
    for name in np.unique(block):
        members = np.flatnonzero(block == name)
        if len(members) > LARGEST_BLOCK:
            raise CannotAnalyse(
                what=f"A block of {len(members)} is too large to pair at once.",
                remedy=f"Name a --block column that splits it into at most {LARGEST_BLOCK}.",
            )
        for one, other in _nearest_first(scaled[members]):
            pair[members[one]] = pair[members[other]] = number
            number += 1
        for alone in members[pair[members] < 0]:
            pair[alone] = number
            number += 1
    return pair


def _whitened(values: np.ndarray) -> np.ndarray:
    if values.shape[1] == 0:
        return np.zeros((len(values), 1))
    centred = values - values.mean(axis=0)
    variances, axes = np.linalg.eigh(np.atleast_2d(np.cov(centred, rowvar=False)))
    use = variances > max(variances.max(), 0) * 1e-12
    return centred @ axes[:, use] / np.sqrt(variances[use]) if use.any() else np.zeros((len(values), 1))


def _nearest_first(points: np.ndarray) -> list[tuple[int, int]]:
    upper = np.triu_indices(len(points), 1)
    squares = (points**2).sum(axis=1)
    distance = squares[upper[0]] + squares[upper[1]] - 2 * np.einsum("ij,ij->i", points[upper[0]], points[upper[1]])
    free = np.ones(len(points), dtype=bool)
    pairs = []
    for index in np.argsort(np.round(distance, 9), kind="stable"):
        one, other = int(upper[0][index]), int(upper[1][index])
        if free[one] and free[other]:
            free[[one, other]] = False
            pairs.append((one, other))
    return pairs
