"""Long lists come a page at a time: `page_of` reads the number from the address, `pages.html` draws the links."""

from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest

PAGE_ROWS = 50


def page_of(request: HttpRequest, rows: Any, *, size: int = PAGE_ROWS, name: str = "page") -> Page:
    """Return the page of `rows` that the address names by `name`; the nearest one when there is none of that number.

    The page says in `parameter` by which name its links go, so that two lists can stand on one page.
    """
    page = Paginator(rows, size).get_page(request.GET.get(name))
    page.parameter = name
    return page
