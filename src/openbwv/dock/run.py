"""One dock process: three listeners in one event loop, and the uplink in a thread of its own."""

import asyncio
import json
import logging
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server

from openbwv.dock.camera_port import camera_app
from openbwv.dock.enrol_port import enrol_app
from openbwv.dock.errors import NotADock
from openbwv.dock.hall import Hall
from openbwv.dock.identity import DockIdentity
from openbwv.dock.listener import Listener, Serving
from openbwv.dock.page_port import page_app
from openbwv.dock.spool import Spool, SpoolLimits
from openbwv.dock.turned_away import listener_log
from openbwv.dock.uplink import Uplink
from openbwv.recording import Trust, certificates
from openbwv.shared.clock import Clock

log = logging.getLogger("openbwv.dock")
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True)
class Ports:
    """Where the dock listens. `host` is for cameras, `page_host` for people."""

    host: str = "127.0.0.1"
    page_host: str = "127.0.0.1"
    camera: int = 8444
    enrol: int = 8445
    page: int = 8100

    def addresses(self) -> dict[str, str]:
        """Return the three addresses."""
        return {
            "camera": f"https://{self.host}:{self.camera}",
            "enrol": f"https://{self.host}:{self.enrol}",
            "page": f"http://{self.page_host}:{self.page}",
        }


def open_hall(identity: DockIdentity, store: Path, *, clock: Clock, limits: SpoolLimits) -> Hall:
    """Return the dock's state as its store has it."""
    trust = Trust.load(identity.trust_pem)
    pretend = certificates.check_chain(identity.chain, use=certificates.USE_DOCK).pretend
    return Hall(
        identity, Spool(store / "spool", trust=trust, limits=limits), clock=clock, random=os.urandom, pretend=pretend
    )


def serve(hall: Hall, ports: Ports, *, log_vkey: str | None, at_once: int, as_json: bool) -> None:
    """Run until SIGTERM or Ctrl-C; raises NotADock when a pretend force would listen beyond this machine."""
    if hall.pretend and not {ports.host, ports.page_host} <= LOOPBACK:
        raise NotADock(what="A pretend force listens on this machine only.", remedy="Leave out --host and --page-host.")
    uplink = Uplink(hall, log_vkey=log_vkey, at_once=at_once)
    asyncio.run(_serve(hall, uplink, ports, as_json=as_json))


async def _serve(hall: Hall, uplink: Uplink, ports: Ports, *, as_json: bool) -> None:
    identity = hall.identity
    hosts = ["127.0.0.1", "localhost", "::1", ports.page_host]
    tls = {"ssl_cert": identity.tls.chain_file, "ssl_key": identity.tls.key_file}
    cameras, enrolments = camera_app(hall), enrol_app(hall)
    people = page_app(hall, uplink, hosts=hosts, random=os.urandom)

    def for_cameras() -> Serving:
        crl = [identity.crl_file] if identity.crl_file.exists() else []
        more = {"ssl_ca": identity.trust_file, "ssl_crl": crl, "ssl_client_verify": True}
        return _server(hall, cameras, ports.host, ports.camera, **tls, **more)

    chain = identity.tls.chain_file
    servers = [
        Listener(for_cameras, files=[identity.crl_file, chain]),
        Listener(lambda: _server(hall, enrolments, ports.host, ports.enrol, **tls), files=[chain]),
        Listener(lambda: _server(hall, people, ports.page_host, ports.page)),
    ]
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    tasks = [asyncio.create_task(server.serve()) for server in servers]
    uplink.start()
    _say(ports, as_json=as_json)
    watch = asyncio.create_task(stopping.wait())
    await asyncio.wait([watch, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for server in servers:
        server.stop()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.to_thread(uplink.stop)
    if not stopping.is_set():
        raise NotADock(
            what="A listener of the dock stopped.", remedy="Check that its ports are free, then start again."
        )


def _server(hall: Hall, app: object, host: str, port: int, **tls: object) -> Server:
    return Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        websockets=False,
        log_level=LogLevels.debug,  # the level at which it says that a handshake failed
        log_dictconfig=listener_log(hall.turned_away),
        **tls,
    )


def _say(ports: Ports, *, as_json: bool) -> None:
    addresses = ports.addresses()
    if as_json:
        sys.stdout.write(json.dumps(addresses) + "\n")
    else:
        sys.stdout.write("".join(f"{name:<7} {url}\n" for name, url in addresses.items()))
    sys.stdout.flush()
