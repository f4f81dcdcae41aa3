"""Judges that are not us: other people's programs look at what we made and say whether they accept it.

Each raises JudgeError with the program's own words, or skips the test, naming the package, where the program is absent.
"""

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

PACKAGES = {
    "ldns-verify-zone": "ldnsutils",
    "dnssec-verify": "bind9-utils",
    "kzonecheck": "knot-dnssecutils",
    "unbound": "unbound",
    "unbound-anchor": "unbound-anchor",
    "faketime": "faketime",
    "delv": "bind9-dnsutils",
    "dnssec-dsfromkey": "bind9-utils",
    "ldns-key2ds": "ldnsutils",
}
Query = Callable[[str, str], dns.message.Message]

_LOWEST_PORT, _PORTS = 20000, 12000
_next_port = count(secrets.randbelow(_PORTS))


class JudgeError(AssertionError):
    """A judge did not accept what it was shown."""


def program(name: str) -> str:
    """Give the path of a judge's program; skips the test where it is not installed."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if path is None:
        pytest.skip(f"{name} is not installed (package {PACKAGES[name]})")
    return path


def ldns_verify_zone(zonefile: Path, anchors: Path, at: int | None = None) -> None:
    """Have ldns verify every signature and the NSEC chain, from the DS or DNSKEY records in the file ``anchors``.

    ``at`` is the moment to judge at (seconds since 1970; None: now).
    """
    when = [] if at is None else ["-t", time.strftime("%Y%m%d%H%M%S", time.gmtime(at))]
    _judged([program("ldns-verify-zone"), *when, "-k", str(anchors), str(zonefile)])


def dnssec_verify(zonefile: Path, origin: str = ".") -> None:
    """Have BIND verify that the zone is fully signed by every algorithm in its DNSKEY RRset, KSK and ZSK."""
    _judged([program("dnssec-verify"), "-o", origin, str(zonefile)])


def kzonecheck(zonefile: Path, origin: str = ".") -> None:
    """Have Knot check the zone, its signatures included."""
    _judged([program("kzonecheck"), "-o", origin, "-d", "on", str(zonefile)])


@contextmanager
def unbound(zonefile: Path, anchors: Path, directory: Path, at: int | None = None) -> Iterator[Query]:
    """Run unbound over a root zone and give a function that asks it: ``query("example.", "TXT")`` gives the answer.

    Whether unbound could validate is in the AD flag (``is_authentic``); what it could not is answered SERVFAIL. ``at``
    is the time it judges signatures at, if not now. Needs no rights of root; writes its configuration and its log to
    ``directory``.
    """
    trust = f'trust-anchor-file: "{anchors}"'
    with running_unbound(zone_in(zonefile), ".", trust, directory, at=at) as query:
        yield query


@contextmanager
def unbound_before(server: int, zone: str, anchors: Path, directory: Path) -> Iterator[Query]:
    """Run unbound before the server of ``zone`` on a port of 127.0.0.1, which alone it asks; else as ``unbound``."""
    upstream = f"""
forward-zone:
    name: "."
    forward-addr: 127.0.0.1@{server}
"""
    with running_unbound(upstream, zone, f'trust-anchor-file: "{anchors}"', directory) as query:
        yield query


def zone_in(zonefile: Path) -> str:
    """Give the lines of unbound's configuration by which it has the root zone from a file."""
    return f"""
auth-zone:
    name: "."
    zonefile: "{zonefile}"
    for-upstream: yes
    for-downstream: no
    fallback-enabled: no
"""


@contextmanager
def running_unbound(
    upstream: str,
    zone: str,
    trust: str,
    directory: Path,
    *,
    at: int | None = None,
    insist: bool = True,
    before: Sequence[str] = (),
) -> Iterator[Query]:
    """Run unbound with the lines ``upstream`` and ``trust`` in its configuration; gives what asks it, once it answers.

    ``at`` is as in ``unbound``, ``insist`` says whether it demands every algorithm of its anchors, and ``before`` are
    words that its command begins with.
    """
    command = [*before, program("unbound"), "-d", "-c", str(directory / "unbound.conf")]
    date = time.strftime("%Y%m%d%H%M%S", time.gmtime(at)) if at is not None else ""
    port = free_port()
    (directory / "unbound.conf").write_text(
        f"""
server:
    chroot: ""
    username: ""
    pidfile: ""
    directory: "{directory}"
    use-syslog: no
    logfile: ""
    verbosity: 1
    val-log-level: 2
    do-daemonize: no
    num-threads: 1
    interface: 127.0.0.1
    port: {port}
    do-ip6: no
    do-not-query-localhost: no
    access-control: 127.0.0.0/8 allow
    module-config: "validator iterator"
    harden-algo-downgrade: {"yes" if insist else "no"}
    val-override-date: "{date}"
    {trust}
remote-control:
    control-enable: no
{upstream}"""
    )

    def query(name: str, kind: str, timeout: float = 5) -> dns.message.Message:
        asked = dns.message.make_query(name, kind, want_dnssec=True)
        asked.flags |= dns.flags.AD
        # An answer may come late, to a port of ours that asks somebody else by then.
        return dns.query.udp_with_fallback(
            asked, "127.0.0.1", port=port, timeout=timeout, ignore_unexpected=True, ignore_errors=True
        )[0]

    log = directory / "unbound.log"
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            for _ in range(400):
                if process.poll() is not None:
                    raise JudgeError(f"unbound does not start:\n{log.read_text()}")
                try:
                    query(zone, "SOA", timeout=0.05)
                    break
                except (dns.exception.Timeout, OSError):
                    time.sleep(0.02)
            yield query
        finally:
            process.terminate()
            process.wait(10)


def is_authentic(answer: dns.message.Message) -> bool:
    """Whether the resolver says it validated the answer, and there is one."""
    return answer.rcode() == dns.rcode.NOERROR and bool(answer.answer) and bool(answer.flags & dns.flags.AD)


def _judged(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise JudgeError(f"{Path(command[0]).name} exits with {done.returncode}:\n{done.stdout}{done.stderr}")


def free_port() -> int:
    """Give a port of 127.0.0.1 that was free a moment ago, and is none that the system gives away by itself.

    No two calls in one process give the same soon, whichever threads they are in.
    """
    for _ in range(_PORTS):
        port = _LOWEST_PORT + next(_next_port) % _PORTS
        with closing(socket.socket(type=socket.SOCK_DGRAM)) as datagrams, closing(socket.socket()) as streams:
            try:
                datagrams.bind(("127.0.0.1", port))
                streams.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise JudgeError("no port is free")
