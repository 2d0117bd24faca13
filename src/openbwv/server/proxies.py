"""Whose request it is when it came through a proxy: the address that limits count and sign-ins are listed under.

A proxy writes the address of whoever connected to it at the end of `X-Forwarded-For`. Anybody can send that header, so
it is read only when the peer of the connection is a proxy named in BWV_TRUSTED_PROXIES, and from the right: the first
address that is not such a proxy's was written by one that is. What stands left of it is the stranger's own word.
"""

import ipaddress
import re
from collections.abc import Callable, Sequence

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from openbwv.server.environment import BadSetting

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO")
# Some proxies add the port: 192.0.2.1:4711, [2001:db8::1]:4711.
WITH_PORT = re.compile(r"(?P<v4>[0-9.]+):[0-9]+|\[(?P<v6>[0-9A-Fa-f:.]+)\](:[0-9]+)?")


def networks(values: Sequence[str]) -> tuple[Network, ...]:
    """Return the networks that BWV_TRUSTED_PROXIES lists, such as 10.0.0.0/8 or 192.0.2.7; raises BadSetting."""
    try:
        return tuple(ipaddress.ip_network(value) for value in values)
    except ValueError as problem:
        raise BadSetting(
            what=f"BWV_TRUSTED_PROXIES lists what is no network: {problem}.",
            remedy="List addresses or networks of your own proxies, such as 192.0.2.7,10.0.0.0/8.",
        ) from problem


def client_address(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """Return the address that a request came from.

    `peer` is who connected; `forwarded_for` the header as it came, newest last. Without a trusted peer it is `peer`; if
    all the header names are trusted too, the first of them. Something that is no address ends the reading: then it is
    the proxy that passed it on.
    """
    found = peer
    waiting = [part for part in forwarded_for.split(",") if part.strip()]
    while waiting and _is_trusted(found, trusted):
        before = _address(waiting.pop())
        if before is None:
            break
        found = str(before)
    return found


def one_household(address: str) -> str:
    """Return what a limit counts as one: an IPv4 address, or the /64 of an IPv6 one, all of which one line has."""
    found = _address(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found or address)


class ClientAddress:
    """Middleware, before all others: makes REMOTE_ADDR the asker's, and forgets what a stranger said of it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        trusted = settings.TRUSTED_PROXIES
        if trusted:
            peer = request.META.get("REMOTE_ADDR", "")
            if not _is_trusted(peer, trusted):
                for name in FORWARDED:
                    request.META.pop(name, None)
            request.META["REMOTE_ADDR"] = client_address(peer, request.META.get("HTTP_X_FORWARDED_FOR", ""), trusted)
        return self.get_response(request)


def _is_trusted(text: str, trusted: Sequence[Network]) -> bool:
    address = _address(text)
    return address is not None and any(address in network for network in trusted)


def _address(text: str) -> Address | None:
    """Return the address in `text`, an IPv4 one written as IPv6 in its own form; None for anything else."""
    text = text.strip()
    if match := WITH_PORT.fullmatch(text):
        text = match["v4"] or match["v6"]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
