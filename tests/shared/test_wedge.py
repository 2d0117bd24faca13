"""The closed form of Hussey & Hughes against generalised least squares and against simulation."""

import numpy as np
import pytest

from openbwv.shared.wedge import wedge_cells, wedge_detectable, wedge_power, wedge_variance


def gls_variance(cells, tau2, sigma2):
    """The same quantity by brute force: (X' V^-1 X)^-1 with the whole covariance written out."""
    units, periods = cells.shape
    rows = []
    for i in range(units):
        for j in range(periods):
            rows.append([float(j == k) for k in range(periods)] + [float(cells[i, j])])
    x = np.array(rows)
    v = np.kron(np.eye(units), sigma2 * np.eye(periods) + tau2 * np.ones((periods, periods)))
    return np.linalg.inv(x.T @ np.linalg.solve(v, x))[-1, -1]


@pytest.mark.parametrize(
    ("starts", "periods"), [([1, 2, 3, 4], 5), ([1, 1, 2, 3, 3, 5], 5), ([0, 2, 4, 9], 4), ([2, 2, 9, 9], 4)]
)
@pytest.mark.parametrize(("tau2", "sigma2"), [(0.0, 1.0), (0.3, 0.5), (4.0, 0.1)])
def test_the_variance_is_that_of_generalised_least_squares(starts, periods, tau2, sigma2):
    cells = wedge_cells(np.array(starts), periods)
    ours = wedge_variance(cells, sigma2_between=tau2, sigma2_within_cell=sigma2)
    assert ours == pytest.approx(gls_variance(cells, tau2, sigma2), rel=1e-10)


def test_power_at_the_detectable_effect_is_the_power_asked_for():
    cells = wedge_cells(np.arange(1, 9), 9)
    options = {"sigma2_between": 0.2, "sigma2_within_cell": 0.4}
    effect = wedge_detectable(cells, power=0.9, **options)
    assert wedge_power(cells, effect=-effect, **options) == pytest.approx(0.9)
    assert wedge_power(cells, effect=effect / 3, **options) < 0.5


def test_cells_that_tell_nothing_have_no_power():
    everyone_at_once = wedge_cells(np.array([2, 2, 2]), 4)
    assert wedge_variance(everyone_at_once, sigma2_between=0.0, sigma2_within_cell=1.0) == float("inf")
    assert wedge_power(everyone_at_once, effect=5.0, sigma2_between=0.0, sigma2_within_cell=1.0) == 0.0


@pytest.mark.parametrize("cells", [[[0, 2]], [0, 1], [[]]])
def test_cells_must_be_zeros_and_ones(cells):
    with pytest.raises(ValueError, match="0 and 1"):
        wedge_variance(np.array(cells), sigma2_between=1.0, sigma2_within_cell=1.0)
