"""Somebody at a browser: signs in, opens pages, fills in forms. Nothing but HTTP and the HTML that the server sent."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx

from openbwv.demo.processes import StepFailed

TIMEOUT_S = 90.0


@dataclass
class Form:
    """A form of a page: where it goes, how, and what it holds before anybody types."""

    action: str
    method: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)  # name, value, words
    options: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # of a select: value, words

    def option(self, name: str, words: str) -> str:
        """Return the value of the option of a select that shows `words`."""
        for value, label in self.options.get(name, []):
            if words.lower() in label.lower():
                return value
        raise StepFailed(f"'{name}' offers no '{words}'.", str(self.options.get(name, [])))

    def says(self, words: str) -> bool:
        """Return whether one of its buttons carries these words, or it goes to an address that ends in them."""
        return any(words.lower() in label.lower() for _, _, label in self.buttons) or self.action.rstrip("/").endswith(
            words.rstrip("/")
        )


class _Reader(HTMLParser):
    """Collects the forms, links and visible words of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.words: list[str] = []
        self._form: Form | None = None
        self._select: str | None = None
        self._text_area: str | None = None
        self._button: list[str] | None = None
        self._link: list[str] | None = None
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open whatever the tag opens."""
        has = {name: value or "" for name, value in attrs}
        if tag in ("script", "style"):
            self._silent += 1
        elif tag == "form":
            self._form = Form(has.get("action", ""), has.get("method", "get").lower())
            self.forms.append(self._form)
        elif tag == "a" and "href" in has:
            self._link = [has["href"], ""]
        elif tag == "button":
            self._button = [has.get("name", ""), has.get("value", ""), ""]
        elif self._form is not None:
            self._open_field(tag, has)

    def _open_field(self, tag: str, has: dict[str, str]) -> None:
        name = has.get("name", "")
        fields = self._form.fields if self._form else {}
        if tag == "input" and has.get("type") == "submit" and self._form:
            self._form.buttons.append((name, has.get("value", ""), has.get("value", "")))
        elif tag == "input" and name:
            choosable = has.get("type") in ("checkbox", "radio")
            if not choosable or "checked" in has:
                fields.setdefault(name, []).append(has.get("value", "on" if choosable else ""))
        elif tag == "select" and name:
            self._select = name
        elif tag == "option" and self._select and self._form:
            self._form.options.setdefault(self._select, []).append((has.get("value", ""), ""))
            if "selected" in has or self._select not in fields:
                fields[self._select] = [has.get("value", "")]
        elif tag == "textarea" and name:
            self._text_area = name
            fields[name] = [""]

    def handle_endtag(self, tag: str) -> None:
        """Close it."""
        if tag in ("script", "style"):
            self._silent = max(0, self._silent - 1)
        elif tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea":
            self._text_area = None
        elif tag == "a" and self._link:
            self.links.append((self._link[0], " ".join(self._link[1].split())))
            self._link = None
        elif tag == "button" and self._button:
            if self._form is not None:
                name, value, words = self._button
                self._form.buttons.append((name, value, " ".join(words.split())))
            self._button = None

    def handle_data(self, data: str) -> None:
        """Keep the words, and whose they are."""
        if self._silent:
            return
        self.words.append(data)
        if self._link:
            self._link[1] += data
        if self._button:
            self._button[2] += data
        if self._select and self._form and self._form.options.get(self._select):
            value, label = self._form.options[self._select][-1]
            self._form.options[self._select][-1] = (value, " ".join((label + data).split()))
        if self._text_area and self._form:
            self._form.fields[self._text_area][0] += data


@dataclass
class Page:
    """What came back: its address, status, raw text, visible words, forms and links."""

    url: str
    status: int
    html: str
    text: str
    forms: list[Form]
    links: list[tuple[str, str]]

    def link(self, words: str) -> str:
        """Return the address of the first link with these words in its text or address."""
        for address, label in self.links:
            if words.lower() in label.lower() or words in address:
                return urljoin(self.url, address)
        raise StepFailed(f"There is no link '{words}' on {self.url}.", self.text[:600])

    def form(self, words: str) -> Form:
        """Return the first form with these words on a button or at the end of its address."""
        for form in self.forms:
            if form.says(words):
                return form
        raise StepFailed(f"There is no form '{words}' on {self.url}.", self.text[:600])


class Visitor:
    """One person's browser: their own cookies."""

    def __init__(self, base_url: str, name: str = "nobody") -> None:
        self.name = name
        self._http = httpx.Client(base_url=base_url, follow_redirects=True, timeout=TIMEOUT_S, trust_env=False)

    def sign_in(self, username: str, password: str) -> Page:
        """Sign in by the form; StepFailed when the form comes back."""
        page = self.get("/account/login/")
        page = self.submit(page, "login", login=username, password=password)
        if any("password" in form.fields for form in page.forms):
            raise StepFailed(f"{username} could not sign in.", page.text[:600])
        self.name = username
        return page

    def get(self, address: str, expect: int | None = 200) -> Page:
        """Open a page; StepFailed when the status is not `expect` (None: whatever)."""
        return self._page(self._http.get(address), expect)

    def submit(self, page: Page, words: str, expect: int | None = 200, **answers: object) -> Page:
        """Fill in the form that `words` names and press its button; returns the page that follows."""
        form = page.form(words)
        data: dict[str, list[str]] = {name: list(values) for name, values in form.fields.items()}
        pressed = next((button for button in form.buttons if words.lower() in button[2].lower()), None)
        if pressed and pressed[0]:
            data[pressed[0]] = [pressed[1]]
        for name, value in answers.items():
            data[name] = [str(each) for each in value] if isinstance(value, (list, tuple)) else [str(value)]
        address = urljoin(page.url, form.action) if form.action else page.url
        headers = {"Referer": page.url}
        if form.method == "post":
            return self._page(self._http.post(address, data=data, headers=headers), expect)
        return self._page(self._http.get(address, params=data), expect)

    def download(self, address: str, expect: int = 200) -> httpx.Response:
        """Fetch bytes."""
        response = self._http.get(address)
        if response.status_code != expect:
            raise StepFailed(f"{address} answered {response.status_code}, not {expect}.", response.text[:600])
        return response

    def post_bytes(self, address: str, page: Page, **answers: object) -> httpx.Response:
        """Send answers from `page` to `address` and return what comes back as it is, whatever its status."""
        tokens = [form.fields["csrfmiddlewaretoken"] for form in page.forms if "csrfmiddlewaretoken" in form.fields]
        data = {"csrfmiddlewaretoken": tokens[0] if tokens else [""]} | {k: [str(v)] for k, v in answers.items()}
        return self._http.post(urljoin(page.url, address), data=data, headers={"Referer": page.url})

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _page(self, response: httpx.Response, expect: int | None) -> Page:
        reader = _Reader()
        if response.headers.get("content-type", "").startswith("text/html"):
            reader.feed(response.text)
        text = " ".join(" ".join(reader.words).split())
        if expect is not None and response.status_code != expect:
            raise StepFailed(f"{self.name} got {response.status_code} from {response.url}, not {expect}.", text[:800])
        return Page(str(response.url), response.status_code, response.text, text, reader.forms, reader.links)
