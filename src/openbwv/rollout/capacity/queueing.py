"""Waiting in closed form, to check the simulation against and to size a team by.

M/M/c: Erlang 1917. M/D/1: Pollaczek-Khinchine. M/D/c: Crommelin 1932, here as the stationary law of the number present
one service time apart. All in any one unit of time.
"""

from math import exp, lgamma, log

import numpy as np


def erlang_c(*, servers: int, load: float) -> float:
    """Return the chance to wait in M/M/c; `load` is arrival rate * service time. 1 when it never settles."""
    if servers < 1 or load < 0:
        raise ValueError("a queue needs a server and a load of 0 or more")
    if load >= servers:
        return 1.0
    blocked = 1.0  # Erlang B by its recursion, which cannot overflow
    for n in range(1, servers + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))


def mmc_mean_wait(*, servers: int, rate: float, service: float) -> float:
    """Return the mean wait before service in M/M/c; infinite when it never settles."""
    load = rate * service
    return erlang_c(servers=servers, load=load) * service / (servers - load) if load < servers else float("inf")


def mmc_wait_over(*, servers: int, rate: float, service: float, limit: float) -> float:
    """Return the chance that a customer of M/M/c waits longer than `limit`; 1 when it never settles."""
    load = rate * service
    if load >= servers:
        return 1.0
    return erlang_c(servers=servers, load=load) * exp(-(servers - load) * limit / service)


def md1_mean_wait(*, rate: float, service: float) -> float:
    """Return the mean wait in M/D/1; infinite when it never settles."""
    used = rate * service
    return used * service / (2 * (1 - used)) if used < 1 else float("inf")


def mdc_mean_wait(*, servers: int, rate: float, service: float) -> float:
    """Return the mean wait in M/D/c, by Little's law from the mean queue; infinite when it never settles.

    Whoever is in service now is gone one service time later, and nobody who came since is: so the number present then
    is max(number now - servers, 0) + Poisson(rate * service).
    """
    load = rate * service
    if load >= servers:
        return float("inf")
    size = int(servers + load + 60 / (1 - load / servers)) + 60
    poisson = np.array([exp(-load + n * log(load) - lgamma(n + 1)) if load else float(n == 0) for n in range(size)])
    steps = np.zeros((size, size))
    for now in range(size):
        left = max(now - servers, 0)
        steps[now, left:] = poisson[: size - left]
        steps[now, -1] += 1 - steps[now].sum()
    law = np.linalg.solve(np.vstack([(steps.T - np.eye(size))[:-1], np.ones(size)]), np.append(np.zeros(size - 1), 1.0))
    queue = float((np.maximum(np.arange(size) - servers, 0) * law).sum())
    return queue / rate if rate else 0.0
