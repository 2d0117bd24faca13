"""The page of a report: headings, texts, tables and figures in order, with a footer that says what made it.

The page loads nothing and runs nothing (its own policy forbids both), so it may be mailed, printed and kept. The CSV of
each table stands inside it as a link, and beside it as a file.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from openbwv.shared.report.table import Table

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
STYLE = """
:root{color-scheme:light dark;--bg:light-dark(#fff,#0f1417);--text:light-dark(#14191c,#eef2f4);
--quiet:light-dark(#4a555c,#a9b4bb);--hair:light-dark(#d5dbdf,#2a333a);--sunk:light-dark(#f1f4f5,#171d21);
--a:light-dark(#0b4f6c,#7cc7e8);--b:light-dark(#a8071a,#ff8f8f);--c:light-dark(#00663f,#5ed6a0);
--d:light-dark(#7a4a00,#ffc15c);--e:light-dark(#4b3fa7,#b4a8ff)}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--text);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;overflow-wrap:break-word}
main,header,footer{max-width:1080px;margin:0 auto;padding:0 16px}h1{font-size:1.6rem;line-height:1.25;margin:32px 0 8px}
h2{font-size:1.2rem;margin:32px 0 8px;border-top:1px solid var(--hair);padding-top:16px}
p{max-width:72ch;margin:0 0 12px}.lead{font-size:1.1rem}
.note,footer,figcaption{color:var(--quiet);font-size:.9rem}.wide{overflow-x:auto;margin:8px 0}
:focus-visible{outline:3px solid var(--a);outline-offset:2px}table{border-collapse:collapse;font-size:.95rem}
caption{text-align:left;font-weight:600;padding:4px 0}th,td{padding:4px 12px 4px 0;text-align:left;vertical-align:top;
border-bottom:1px solid var(--hair)}th.n,td.n{text-align:right;font-variant-numeric:tabular-nums}
figure{margin:16px 0}figure svg{display:block;max-width:100%;height:auto;min-width:560px}
summary{cursor:pointer;min-height:24px}a{color:var(--a)}footer{border-top:1px solid var(--hair);margin-top:32px;
padding-top:12px;padding-bottom:32px}dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:0}
dd{margin:0;overflow-wrap:anywhere}@media(max-width:480px){dl{grid-template-columns:1fr}dt{margin-top:6px}}
@media print{:root{color-scheme:light}details>*{display:block}figure,table{break-inside:avoid}}
"""


@dataclass(frozen=True)
class Footer:
    """What made the report: version of the code, seed and SHA-256 of the data, each as text, and any further lines."""

    code_version: str
    seed: int | None = None
    data_sha256: str = ""
    more: Mapping[str, str] | None = None

    def lines(self) -> dict[str, str]:
        """Return name -> text of every line that has something to say."""
        lines = {"Made by": f"OpenBWV {self.code_version}"}
        if self.seed is not None:
            lines["Seed"] = str(self.seed)
        if self.data_sha256:
            lines["SHA-256 of the data"] = self.data_sha256
        return lines | dict(self.more or {})


class Report:
    """A report in the making; `html()` and `files()` hand it over.

    Tables are named once each: a second table of the same name raises ValueError, as its CSV would replace the first.
    """

    def __init__(self, *, title: str, lead: str, footer: Footer) -> None:
        self._title = title
        self._lead = lead
        self._footer = footer
        self._parts: list[str] = []
        self._tables: dict[str, Table] = {}

    def heading(self, text: str) -> None:
        """Begin a section."""
        self._parts.append(f"<h2>{escape(text)}</h2>")

    def text(self, text: str) -> None:
        """Add a paragraph."""
        self._parts.append(f"<p>{escape(text)}</p>")

    def items(self, texts: Sequence[str]) -> None:
        """Add a list of short sentences."""
        self._parts.append("<ul>" + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul>")

    def table(self, table: Table) -> None:
        """Add a table, with its CSV."""
        self._keep(table)
        self._parts.append(f"{table.html()}<p>{_link(table)}</p>")

    def figure(self, svg: str, *, caption: str, table: Table) -> None:
        """Add a drawing (as `Drawing.svg()` makes it) and, folded below it, the table of what it shows."""
        self._keep(table)
        box = f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption, quote=True)}">'
        self._parts.append(
            f"<figure>{box}{svg}</div>"
            f"<figcaption>{escape(caption)}</figcaption></figure>"
            f"<details><summary>The numbers of this figure</summary>{table.html()}<p>{_link(table)}</p></details>"
        )

    def html(self) -> str:
        """Return the whole page."""
        footer = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in self._footer.lines().items())
        return (
            '<!doctype html>\n<html lang="en-GB"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(self._title)}</title><style>{STYLE}</style></head><body>"
            f'<header><h1>{escape(self._title)}</h1><p class="lead">{escape(self._lead)}</p></header>'
            f"<main>{''.join(self._parts)}</main><footer><dl>{footer}</dl></footer></body></html>\n"
        )

    def files(self) -> dict[str, str]:
        """Return file name -> text: `report.html` and one CSV for each table."""
        return {"report.html": self.html()} | {f"{name}.csv": table.csv() for name, table in self._tables.items()}

    def _keep(self, table: Table) -> None:
        if table.name in self._tables:
            raise ValueError(f"two tables of this report are called '{table.name}'")
        self._tables[table.name] = table


def _link(table: Table) -> str:
    data = base64.b64encode(table.csv().encode()).decode()
    return f'<a download="{table.name}.csv" href="data:text/csv;charset=utf-8;base64,{data}">{table.name}.csv</a>'
