"""Small modules, functions that fit a screen, a docstring on top, enough tests."""

import ast
import statistics

from tests.house.source import functions, modules, suite

LONGEST_MODULE = 600
LONGEST_FUNCTION = 70
MIDDLE_MODULE = 150
NINE_OF_TEN = 400


def test_a_module_holds_one_idea():
    """Past the limit, ask which second idea is hiding."""
    assert not [f"{module.short}: {module.lines}" for module in (*modules(), *suite()) if module.lines > LONGEST_MODULE]


def test_a_function_fits_a_screen():
    long = [
        f"{module.short}:{function.lineno} {function.name}: {function.end_lineno - function.lineno + 1}"
        for module in modules()
        for function in functions(module)
        if function.end_lineno - function.lineno + 1 > LONGEST_FUNCTION
    ]
    assert not long


def test_a_module_says_what_it_is_for():
    """Empty files and `__main__` aside."""
    silent = [m.short for m in modules() if m.path.name[:2] != "__" and m.tree.body and not ast.get_docstring(m.tree)]
    assert not silent


def test_the_sizes_stay_those_of_code_people_admire(record_property):
    lines = sorted(module.lines for module in modules() if module.lines)
    row = {"files": len(lines), "lines": sum(lines), "median": statistics.median(lines)}
    row |= {"p90": lines[len(lines) * 9 // 10], "max": lines[-1]}
    row["tests_per_line"] = round(sum(module.lines for module in suite()) / row["lines"], 2)
    for name, value in row.items():
        record_property(name, value)
    assert row["median"] <= MIDDLE_MODULE, row
    assert row["p90"] < NINE_OF_TEN, row
