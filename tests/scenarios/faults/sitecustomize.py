"""Read by the interpreter of a process that a test has started with this folder on PYTHONPATH: it may die on order.

KILL_POINTS lists places as "module:Class.function", one a line; KILL_ROLE says who this is; KILL_ORDER names a file.
When that holds "ROLE PLACE WHEN NTH" (WHEN is before or after) and PLACE is called for the NTH time since, the whole
process group is killed with SIGKILL. The order is taken away first, so whoever is started next lives.
"""

import functools
import importlib.abc
import importlib.util
import os
import signal
import sys


class Orders(importlib.abc.MetaPathFinder):
    """Wraps the places of a module as soon as it has been imported, before anybody takes a name from it."""

    def __init__(self, points, order):
        self.order = order
        self.names = {}
        self.calls = {}
        for point in points:
            module, _, name = point.partition(":")
            self.names.setdefault(module, []).append(name)

    def find_spec(self, fullname, path, target=None):
        names = self.names.pop(fullname, None)
        if names is None:
            return None
        spec = importlib.util.find_spec(fullname)
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            for name in names:
                self.wrap(module, name)

        spec.loader.exec_module = exec_module
        return spec

    def wrap(self, module, name):
        place = module
        *outer, last = name.split(".")
        for each in outer:
            place = getattr(place, each)
        real = getattr(place, last)
        point = f"{module.__name__}:{name}"

        @functools.wraps(real)
        def ordered(*arguments, **keywords):
            self.obey(point, "before")
            answer = real(*arguments, **keywords)
            self.obey(point, "after")
            return answer

        setattr(place, last, ordered)

    def obey(self, point, when):
        try:
            with open(self.order, encoding="ascii") as file:
                text = file.read()
        except OSError:
            return
        role, wanted, moment, nth = text.split()
        if (role, wanted, moment) != (os.environ["KILL_ROLE"], point, when):
            return
        self.calls[text] = self.calls.get(text, 0) + 1
        if self.calls[text] == int(nth):
            os.rename(self.order, self.order + ".obeyed")
            os.killpg(0, signal.SIGKILL)


if "KILL_ROLE" in os.environ:
    sys.meta_path.insert(0, Orders(os.environ["KILL_POINTS"].split(), os.environ["KILL_ORDER"]))
