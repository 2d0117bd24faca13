"""Behind a proxy every limit counts the asker, and nobody can say that they are somebody else."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from openbwv.server import environment
from openbwv.server.disclosure.models import Attempt
from openbwv.server.disclosure.secrets import LIMITS
from openbwv.server.people.models import Person
from openbwv.server.proxies import client_address, networks, one_household
from openbwv.shared import agency
from tests.server.cast import PASSWORD

PROXY = "10.0.0.2"
TRUSTED = networks(["10.0.0.0/8", "2001:db8:1::/48"])


@pytest.mark.parametrize(
    ("peer", "header", "found"),
    [
        ("198.51.100.1", "", "198.51.100.1"),
        ("198.51.100.1", "203.0.113.9", "198.51.100.1"),  # the peer is no proxy of ours: its word counts for nothing
        (PROXY, "", PROXY),
        (PROXY, "203.0.113.9", "203.0.113.9"),
        (PROXY, "192.0.2.66, 203.0.113.9", "203.0.113.9"),  # what the stranger sent stands left of what we wrote
        (PROXY, "192.0.2.66, 203.0.113.9, 10.0.0.7", "203.0.113.9"),  # two proxies of ours
        (PROXY, "10.9.9.9, 203.0.113.9", "203.0.113.9"),  # the stranger claims to be inside
        (PROXY, "10.0.0.9", "10.0.0.9"),  # somebody inside
        (PROXY, "203.0.113.9,nonsense", PROXY),
        (PROXY, "203.0.113.9, 10.0.0.7 , ", "203.0.113.9"),
        (PROXY, "203.0.113.9:51234", "203.0.113.9"),
        (PROXY, "[2001:db8:2::5]:51234", "2001:db8:2::5"),
        ("2001:db8:1::1", "2001:DB8:2:0::5", "2001:db8:2::5"),
        ("::ffff:10.0.0.2", "::ffff:203.0.113.9", "203.0.113.9"),
        (PROXY, "1.2.3.4.5:80", PROXY),
        ("", "203.0.113.9", ""),
    ],
)
def test_the_address_is_the_first_from_the_right_that_is_no_proxy_of_ours(peer, header, found):
    assert client_address(peer, header, TRUSTED) == found


def test_without_the_setting_the_header_is_never_read():
    assert client_address(PROXY, "203.0.113.9", ()) == PROXY


@pytest.mark.parametrize("bad", ["proxy.example", "10.0.0.0/33", "10.0.0.1/8", "*"])
def test_what_is_no_network_stops_the_start(bad):
    with pytest.raises(environment.BadSetting, match="BWV_TRUSTED_PROXIES") as caught:
        networks([bad])
    assert caught.value.exit_code == 78


def sign_in(client, password, forwarded, peer=PROXY, username="avery"):
    data = {"login": username, "password": password}
    return client.post("/account/login/", data, REMOTE_ADDR=peer, headers={"x-forwarded-for": forwarded})


def test_sign_in_limits_count_the_asker_behind_the_proxy(client, avery, noor, clock, settings):
    settings.TRUSTED_PROXIES = TRUSTED
    for number in range(10):  # ten wrong tries a minute from one address, whatever the account
        sign_in(client, "wrong", f"192.0.2.{number}, 203.0.113.9", username=f"nobody{number}")
    assert b"Too many" in sign_in(client, PASSWORD, "203.0.113.9").content
    assert sign_in(client, PASSWORD, "203.0.113.10").status_code == 302


def test_a_spoofed_header_gives_nobody_new_tries(client, avery, clock, settings):
    settings.TRUSTED_PROXIES = TRUSTED
    for number in range(10):
        sign_in(client, "wrong", f"192.0.2.{number}", peer="198.51.100.1", username=f"nobody{number}")
    assert b"Too many" in sign_in(client, PASSWORD, "192.0.2.200", peer="198.51.100.1").content


def test_where_one_is_signed_in_names_the_asker(client, avery, clock, settings):
    settings.TRUSTED_PROXIES = TRUSTED
    sign_in(client, PASSWORD, "192.0.2.66, 203.0.113.9")
    assert [each.ip for each in Person.objects.get(username="avery").usersession_set.all()] == ["203.0.113.9"]


def test_an_askers_limits_count_the_asker_behind_the_proxy(client, units, clock, settings):
    settings.TRUSTED_PROXIES = TRUSTED

    def follow(address):
        headers = {"x-forwarded-for": f"192.0.2.1, {address}"}
        data = {"reference": "ASK-2026-000001", "secret": "wrong"}
        return client.post("/ask/follow", data, REMOTE_ADDR=PROXY, headers=headers).status_code

    assert [follow("203.0.113.9") for _ in range(LIMITS["status"] + 1)] == [404] * LIMITS["status"] + [429]
    assert follow("203.0.113.10") == 404
    assert Attempt.objects.values("key_sha256").distinct().count() == 2


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:2:3:4::5", "2001:db8:2:3::/64"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_whoever_has_a_whole_network_has_one_count(address, counted):
    assert one_household(address) == counted


def test_an_asker_cannot_take_another_address_of_their_own_line(client, units, clock):
    data = {"reference": "ASK-2026-000001", "secret": "wrong"}
    answers = [
        client.post("/ask/follow", data, REMOTE_ADDR=f"2001:db8:2:3::{number}").status_code
        for number in range(LIMITS["status"] + 1)
    ]
    assert answers[-1] == 429
    assert client.post("/ask/follow", data, REMOTE_ADDR="2001:db8:2:4::1").status_code == 404


def test_a_dock_that_enrols_is_counted_by_its_own_address(client, units, clock, settings):
    settings.TRUSTED_PROXIES = TRUSTED

    csr = agency.make_csr(ec.generate_private_key(ec.SECP256R1()), "wish")
    data = {"csr": base64.b64encode(csr).decode(), "code": "wrong", "hosts": []}

    def enrol(address):
        more = {"REMOTE_ADDR": PROXY, "headers": {"x-forwarded-for": address}}
        return client.post("/fleet/enrol-dock", data, content_type="application/json", **more).status_code

    assert [enrol("203.0.113.9") for _ in range(6)] == [403] * 5 + [429]
    assert enrol("203.0.113.10") == 403


def test_only_a_proxy_of_ours_says_that_the_way_was_https(client, units, clock, settings):
    settings.TRUSTED_PROXIES = TRUSTED
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_SSL_REDIRECT = True
    said = {"x-forwarded-proto": "https"}
    assert client.get("/ask/", REMOTE_ADDR=PROXY, headers=said).status_code == 200
    assert client.get("/ask/", REMOTE_ADDR="198.51.100.1", headers=said).status_code == 301
