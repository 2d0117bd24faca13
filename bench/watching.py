"""Fetching what a player fetches, and what that took of the server: one viewer, or many at once."""

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from bench.processes import cpu_s
from bench.viewing import Footage

RUN = 10  # fragments that are granted together; a viewer's turn is whole runs of them


@dataclass
class Cost:
    """What one viewing took of the server: bytes of its fragments, CPU seconds for those and for all of it."""

    fragment_bytes: int
    fragments_s: float
    whole_s: float

    @property
    def fragments(self) -> float:
        """Return MB per CPU second of the fragments."""
        return self.fragment_bytes / 1e6 / self.fragments_s

    @property
    def whole(self) -> float:
        """Return the same with what a viewing takes besides: asking to watch, the page, the index, leaving."""
        return self.fragment_bytes / 1e6 / self.whole_s


def watch(force: Any, footage: Footage) -> Cost:
    """Watch a recording from its first second to its last, as the page does, and leave."""
    began = cpu_s(force.server_pid)
    viewing, leave = force.begin_viewing(footage)
    wanted = open_viewing(force, viewing)
    before = cpu_s(force.server_pid)
    total = fetch(force.page_port, wanted, {"Cookie": force.cookies})
    fragments_s = cpu_s(force.server_pid) - before
    leave()
    if total != footage.media_bytes:
        raise AssertionError(f"{total} bytes came of {footage.media_bytes}")
    return Cost(total, fragments_s, cpu_s(force.server_pid) - began)


def open_viewing(force: Any, viewing: str) -> list[str]:
    """Fetch what comes before the first fragment and return the addresses of all of them."""
    headers = {"Cookie": force.cookies}
    index = json.loads(get(force.page_port, f"/media/{viewing}/index.json", headers))
    get(force.page_port, f"/media/{viewing}/init", headers)
    return [f"/media/{viewing}/{part['seq']}" for part in index["parts"]]


class Audience:
    """Several viewers of one recording at once, each over a connection of its own, a turn of whole runs at a time."""

    def __init__(self, force: Any, footage: Footage, count: int, turn: int) -> None:
        self._force, self._turn, self._number = force, turn, 0
        begun = [force.begin_viewing(footage) for _ in range(count)]
        self._wanted = [open_viewing(force, viewing) for viewing, _ in begun]
        self._leave = [leave for _, leave in begun]

    def take_turn(self) -> int:
        """Let each fetch its next fragments, all at the same time; return the bytes that came."""
        begin = self._number * self._turn % len(self._wanted[0])
        self._number += 1
        wanted = [addresses[begin : begin + self._turn] for addresses in self._wanted]
        return fetch_at_once(self._force.page_port, wanted, {"Cookie": self._force.cookies})

    def leave(self) -> None:
        """End their viewings."""
        for each in self._leave:
            each()


def fetch_at_once(port: int, wanted: list[list[str]], headers: dict[str, str]) -> int:
    """Fetch lists of addresses, each over a connection of its own and all at once; return how many bytes came."""
    with ThreadPoolExecutor(len(wanted)) as threads:
        return sum(threads.map(lambda addresses: fetch(port, addresses, headers), wanted))


def get(port: int, address: str, headers: dict[str, str]) -> bytes:
    """Fetch one address over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        return _read_answer(connection, address, headers)
    finally:
        connection.close()


def fetch(port: int, addresses: list[str], headers: dict[str, str]) -> int:
    """Fetch addresses one after the other over one connection and return how many bytes came."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        return sum(len(_read_answer(connection, address, headers)) for address in addresses)
    finally:
        connection.close()


def _read_answer(connection: http.client.HTTPConnection, address: str, headers: dict[str, str]) -> bytes:
    connection.request("GET", address, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != http.client.OK:
        raise AssertionError(f"{address} answered {answer.status}: {body[:300]!r}")
    return body
