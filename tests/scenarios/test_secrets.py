"""Nothing secret leaves the keystores: not in what commands say or write, nor in how processes are started."""

import base64
import json
import os
import time
from pathlib import Path

import dns.name
import pytest

from keyquorum.keystore.person import Person
from keyquorum.keystore.store import Keystore
from keyquorum.maths.work import HERE
from keyquorum.quorum.dealing import Custody, deal
from keyquorum.threshold.seam import Plan
from tests.quorum.village import QUICK, undivided, zone_records
from tests.scenarios.scripts import PASSPHRASE, SETTINGS, play, start
from tests.scenarios.shell import Seen
from tests.threshold.cases import seeded

NAMES = ("alice", "bob", "rita")
FLOW = Path(__file__).parent / "flow_with_secrets.txt"


def deal_to(zones: list[str], existing: bool) -> None:
    """A key for ``zones`` that alice and bob both have to sign with."""
    SETTINGS["people"](*NAMES)
    cards = {}
    for name in NAMES:
        with Keystore.open(Path(f"{name}.keystore"), PASSPHRASE.encode()) as store:
            cards[name] = Person(store)
    custody = Custody(
        tuple(map(dns.name.from_text, zones)), (cards["alice"].card, cards["bob"].card), (cards["rita"].card,)
    )
    plan = Plan(8, 0 if existing else 2048, 2, 2)
    key = undivided() if existing else None
    rita = cards["rita"]
    dealing = deal(
        rita.identity, rita.card, custody, plan, int(time.time()), seeded("village", QUICK[0]), HERE, key=key
    )
    Path("key.json").write_bytes(dealing.key.envelope + b"\n")
    for name, sealed in zip(("alice", "bob"), dealing.shares, strict=True):
        Path(f"{name}.share").write_bytes(sealed.envelope + b"\n")
    Path("dnskey.zone").write_bytes(zone_records(*zones).source)


def secrets_of(names: tuple[str, ...] = NAMES) -> dict[str, bytes]:
    """Everything secret in the keystores here."""
    found = {"the passphrase": PASSPHRASE.encode()}
    for name in names:
        with Keystore.open(Path(f"{name}.keystore"), PASSPHRASE.encode()) as store:
            person = Person(store)
            found[f"{name}'s signing seed"] = person.identity.signing_seed
            found[f"{name}'s sealing key"] = person.identity.sealing_key
            for share in person.shares().values():
                value: int = share.value  # type: ignore[attr-defined]
                found[f"{name}'s share"] = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return found


def spellings(secret: bytes) -> list[bytes]:
    """The forms in which a secret might show; of long ones a part is enough."""
    number = int.from_bytes(secret, "big")
    forms = [secret[:24], secret[::-1][:24], secret.hex().encode()[:40], secret.hex().upper().encode()[:40]]
    forms += [str(number).encode()[:40], f"{number:x}".encode()[:40]]
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            forms.append(encode(bytes(shift) + secret)[4 : 4 + 40 if len(secret) > 40 else -4])
    return [form for form in forms if len(form) >= 12]


def found_in(data: bytes, secrets: dict[str, bytes]) -> list[str]:
    return [what for what, secret in secrets.items() if any(form in data for form in spellings(secret))]


def test_the_search_finds_what_it_looks_for() -> None:
    secret = bytes(range(100, 132))
    number = int.from_bytes(secret, "big")
    for shown in (
        secret, secret.hex().encode(), str(number).encode(), b"x" + base64.b64encode(b"a" + secret + b"b"),
        base64.urlsafe_b64encode(b"ab" + secret), hex(number).encode(), secret[::-1],
    ):  # fmt: skip
        assert found_in(b"before " + shown + b" after", {"it": secret}) == ["it"], shown
    assert not found_in(b"nothing of it", {"it": secret})


@pytest.mark.parametrize("existing", [False, True])
def test_nothing_secret_is_said_or_written(existing: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    deal_to(["one.example."], existing)
    seen: list[Seen] = play(FLOW, tmp_path, monkeypatch)
    secrets = secrets_of()
    assert len(secrets) == 1 + 2 * len(NAMES) + 2
    for one in seen:
        assert not found_in(one.text.encode(), secrets), one.text
    looked_at = 0
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.name != "passphrase":
            looked_at += 1
            assert not found_in(path.read_bytes(), secrets), path.name
    assert looked_at > 12


def test_nothing_secret_is_in_the_arguments_or_the_environment_of_a_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # So large a request that worker processes are started.
    deal_to([f"zone-{number}.example." for number in range(720)], existing=False)
    SETTINGS["accepted"]("alice", "bob")
    SETTINGS["times"]()
    script = tmp_path / "flow.txt"
    script.write_text(
        "$ keyquorum request new --key key.json --identity rita.keystore --passphrase-file passphrase "
        "--dnskey dnskey.zone $(cat window) --accepted . --out request\n$ keyquorum request show request --json\n"
    )
    identifier = json.loads(play(script, tmp_path, monkeypatch)[-1].out)["id"]
    secrets = secrets_of()
    with start(
        ["sign", "request", "--keystore", "alice.keystore", "--passphrase-file", "passphrase", "--out", "alice.partial",
         "--approve", identifier]
    ) as process:  # fmt: skip
        processes: set[int] = set()
        while process.poll() is None:
            for one in {process.pid, *below(process.pid)}:
                processes.add(one)
                for what in ("cmdline", "environ"):
                    try:
                        data = Path(f"/proc/{one}/{what}").read_bytes()
                    except OSError:
                        continue
                    assert not found_in(data, secrets), (one, what)
            time.sleep(0.05)
    assert process.returncode == 0
    assert len(processes) > (1 if len(os.sched_getaffinity(0)) > 1 else 0)


def below(process: int) -> set[int]:
    """The processes that ``process`` started, and theirs."""
    try:
        children = {int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()}
    except OSError:
        return set()
    return children.union(*map(below, children))
