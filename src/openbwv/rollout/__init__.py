"""How cameras reach every unit, what delays them, and what storage, network and docks they need.

Pure: tables and texts in, plans and figures out. `cli` and `files` are where disk and screen begin.
"""
