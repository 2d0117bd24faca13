"""New numbers for officers and incidents, in an order that says nothing about the old ones.

A report about officers is personal data (Data Protection Act 2018, part 3) and touches fairness in misconduct. So it
names nobody unless asked to; the new numbers hold within one report only.
"""

from collections.abc import Collection

import numpy as np


def renumber(names: Collection[str], *, word: str, seed: int) -> dict[str, str]:
    """Return old name -> such as "Officer 007"; the same for a seed, whatever the order of `names`."""
    known = sorted(set(names))
    order = np.random.default_rng([seed, len(word)]).permutation(len(known))
    width = max(3, len(str(len(known))))
    return {name: f"{word} {place + 1:0{width}d}" for name, place in zip(known, order, strict=True)}
