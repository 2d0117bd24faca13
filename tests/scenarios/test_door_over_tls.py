"""The door as devices meet it: a real process, TLS 1.3 with client certificates, and the worker behind it."""

import contextlib
import secrets
import sqlite3
import ssl
import subprocess
import time

import httpx
import pytest

from openbwv.recording import EvidenceReceipt, Trust
from openbwv.shared import door as protocol
from openbwv.shared.upload import Fragment, Parcel, Progress, announce, finish, patiently, send_media
from tests.scenarios.force import RealForce

NOW_MS = 1_795_183_331_000


@pytest.fixture(scope="module")
def force(tmp_path_factory):
    made = RealForce(tmp_path_factory.mktemp("force"))
    try:
        made.start_keyd()
        made.start_worker()
        made.start_door()
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def dock(force):
    key, chain = force.device("dock", "Lewisham-1")
    with force.client(key, chain, "Lewisham-1") as client:
        client.greet()
        client.keys = (key, chain)
        yield client


@pytest.fixture(scope="module")
def camera(force):
    return force.camera("0417")


def parcel(footage):
    media, offset, fragments = {}, 0, []
    for seq, data in footage.sealed:
        fragments.append(Fragment(seq, offset, len(data)))
        media[seq] = data
        offset += len(data)
    return Parcel(
        rec_id=footage.rec_id,
        entries=footage.entries,
        key_cbor=footage.key_cbor,
        fragments=fragments,
        read=lambda run: iter([media[each.seq] for each in run]),
        tail=footage.tail,
    )


def upload(client, footage):
    sent = parcel(footage)
    announce(client, sent)
    send_media(client, sent, progress=Progress())
    return patiently(lambda: finish(client, sent), tries=60)


def test_the_shared_client_uploads_and_gets_a_true_receipt(force, dock, camera):
    footage = camera.record(utc_ms=NOW_MS, seconds=12, size=300_000)
    signed = upload(dock, footage)
    receipt = EvidenceReceipt.decode(signed, trust=Trust.load((force.state / "trust.pem").read_bytes())).body
    assert (receipt.rec_id, receipt.tail) == (footage.rec_id, footage.tail)
    assert dock.receipts(camera.kid)[0] == signed


def test_a_stranger_gets_no_tls(force):
    context = ssl.create_default_context(cadata=(force.state / "trust.pem").read_text())
    with pytest.raises(httpx.TransportError), httpx.Client(verify=context) as client:
        client.get(force.url + "/hello")


def test_tls_1_2_is_refused(force):
    done = subprocess.run(
        ["curl", "-sS", "--tls-max", "1.2", "--cacert", force.state / "trust.pem", force.url + "/hello"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0


def test_a_broken_off_part_leaves_nothing_and_is_sent_again(force, dock, camera):
    footage = camera.record(utc_ms=NOW_MS, seconds=4, size=900_000)
    sent = parcel(footage)
    announce(dock, sent)

    def half(run):
        yield from (footage.sealed[0][1], footage.sealed[1][1])
        raise httpx.WriteError("pulled out")

    with pytest.raises(protocol.DoorUnreachable):
        dock.put_part(
            footage.rec_id, first_seq=footage.sealed[0][0], length=len(footage.media), chunks=lambda: half(None)
        )
    time.sleep(0.5)
    assert dock.parts_held(footage.rec_id) == []
    assert list(force.state.glob("vault/**/.*.tmp")) == []
    upload(dock, footage)


def test_the_door_killed_in_the_middle_of_parts_goes_on_where_it_was(force, dock, camera):
    """SIGKILL while parts stream in: what was answered 201 is there, the rest is asked for again."""
    footage = camera.record(utc_ms=NOW_MS, seconds=10, size=700_000)
    sent = parcel(footage)
    announce(dock, sent)
    first, rest = footage.part(0, 3), footage.part(3, 8)
    dock.put_part(footage.rec_id, first_seq=first[0], length=len(first[1]), chunks=lambda: iter([first[1]]))

    def slow():
        for start in range(0, len(rest[1]), 400_000):
            yield rest[1][start : start + 400_000]
            if start > 2_000_000 and "door" in force.processes:
                force.stop("door", kill=True)

    with pytest.raises(protocol.DoorError):
        dock.put_part(footage.rec_id, first_seq=rest[0], length=len(rest[1]), chunks=slow)
    force.start_door()
    held = dock.parts_held(footage.rec_id)
    assert [(part.first, part.last) for part in held] == [(footage.sealed[0][0], footage.sealed[2][0])]
    assert list(force.state.glob("vault/**/.*.tmp")) == []
    upload(dock, footage)


def test_without_the_key_service_the_answer_is_later_and_then_comes(force, dock, camera):
    force.stop("keyd")
    footage = camera.record(utc_ms=NOW_MS)
    sent = parcel(footage)
    announce(dock, sent)
    send_media(dock, sent, progress=Progress())
    with pytest.raises(protocol.DoorBusy):
        finish(dock, sent)
    force.start_keyd()
    assert patiently(lambda: finish(dock, sent), tries=60)


def test_without_the_worker_everything_is_taken_and_the_receipt_comes_when_it_is_back(force, dock, camera):
    force.stop("worker", kill=True)
    footage = camera.record(utc_ms=NOW_MS)
    sent = parcel(footage)
    announce(dock, sent)
    send_media(dock, sent, progress=Progress())
    with pytest.raises(protocol.DoorBusy):
        finish(dock, sent)
    force.start_worker()
    assert patiently(lambda: finish(dock, sent), tries=60)


@pytest.mark.long
def test_a_database_locked_longer_than_the_door_waits_is_a_503_that_the_sender_waits_out(force, dock, camera):
    footage = camera.record(utc_ms=NOW_MS)
    sent = parcel(footage)
    announce(dock, sent)
    asked = []

    def free(seconds):
        asked.append(seconds)
        other.rollback()

    with contextlib.closing(sqlite3.connect(force.state / "server.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        run = sent.fragments

        def put():
            dock.put_part(
                footage.rec_id, first_seq=run[0].seq, length=len(footage.media), chunks=lambda: sent.read(run)
            )

        patiently(put, sleep=free)
    assert asked, "it was busy, said so, and was asked again"
    assert sum(part.length for part in dock.parts_held(footage.rec_id)) == len(footage.media)
    assert patiently(lambda: finish(dock, sent), tries=60)


def test_a_revoked_camera_is_refused_at_its_next_request(force):
    row_key, chain = force.device("camera", "0999")
    with force.client(row_key, chain, "0999") as client:
        client.greet()
        assert client.manifest_held(secrets.token_bytes(16)).next_seq == 0
        with force.database() as database:
            database.execute("UPDATE fleet_camera SET state='revoked', revoked_utc='2026-11-20' WHERE name='0999'")
        with pytest.raises(protocol.DoorForbids) as caught:
            client.manifest_held(secrets.token_bytes(16))
        assert caught.value.door_code == "revoked"
        with pytest.raises(protocol.DoorForbids):
            client.greet()
