"""Reports that stand alone: one HTML page without scripts or anything fetched, and a CSV beside every table.

A report is built from headings, texts, tables and figures and handed back as text; nothing here opens a file or reads a
clock. Every figure carries the table of the numbers it shows, so that nobody has to read a value off a picture.
"""

from openbwv.shared.report.page import Footer, Report
from openbwv.shared.report.table import Column, Table

__all__ = ["Column", "Footer", "Report", "Table"]
