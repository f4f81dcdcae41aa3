"""``keyquorum key token``: the record of a key that stays in a token, so that it can sign beside a quorum."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyquorum.cli import terminal, world
from keyquorum.cli.key_facts import show_key
from keyquorum.cli.options import (
    FILE,
    RSA,
    absent,
    directory_at,
    make_directory,
    passphrase_option,
    person_at,
    read_record,
    rsa_option,
    token_options,
    zones_of,
)
from keyquorum.cli.world import RNG
from keyquorum.errors import UsageError
from keyquorum.keystore.files import write_public
from keyquorum.keystore.person import Person
from keyquorum.quorum.dealing import Custody, dnskey_of
from keyquorum.quorum.keeping import keep
from keyquorum.records.envelope import Signed
from keyquorum.records.keys import CARD, Acceptance, KeyRecord

if TYPE_CHECKING:
    from keyquorum.cli.token_keys import KeyInToken


@click.command("token")
@click.argument("uri")
@click.option("--zone", metavar="NAME", help="The zone the key may sign.")
@click.option("--zones", type=FILE, help="A file with the zones the key may sign, one name a line.")
@click.option("--identity", type=FILE, required=True, help="The keystore of its keeper, who alone can sign with it.")
@click.option("--requester", "requesters", type=FILE, multiple=True, help="Card of one who may ask.")
@click.option("--label", help="What the key is called in responses (keyIdentifier).  [default: its label in the token]")
@rsa_option
@token_options
@click.option("--out", type=FILE, required=True, help="The directory for key.json and NAME.accepted.json.")
@passphrase_option
def token_command(
    uri: str,
    zone: str | None,
    zones: Path | None,
    identity: Path,
    requesters: tuple[Path, ...],
    label: str | None,
    algorithm: str,
    pin_file: Path | None,
    module: Path | None,
    out: Path,
    passphrase_file: Path | None,
) -> None:
    """Make the record of a key that stays in its token: a key that cannot leave its HSM, to sign beside a quorum.

    The token signs a random message with it, which is verified here. Nothing in the token is changed.
    """
    from keyquorum.cli.token_keys import TokenKeys  # noqa: PLC0415

    names = zones_of(zone, zones)
    directory_at(out)
    asking = tuple(read_record(path, CARD) for path in requesters)
    with ExitStack() as stack:
        keeper = stack.enter_context(person_at(identity, passphrase_file))
        paths = out / "key.json", out / f"{keeper.name}.accepted.json"
        if out.is_dir():
            absent(*paths)
        held = TokenKeys(stack, pin_file, module).find(uri)
        custody = Custody(names, (keeper.card,), asking or (keeper.card,), label or "")
        key, acceptance = kept_key(keeper, held, custody, RSA[algorithm])
        make_directory(out)
        write_public(paths[0], key.envelope + b"\n")
        write_public(paths[1], acceptance.envelope + b"\n")
    show_key(key)
    terminal.heading("In the token")
    click.echo(f"  {held.uri.text()}")
    terminal.facts(
        [("proved", "it signed a random message there; the signature verifies outside"), ("kept", held.standing)]
    )
    terminal.heading("Written")
    terminal.facts({"key.json": f"{paths[0]} (public: publish it)", paths[1].name: f"{paths[1]} (public)"})
    terminal.next_step(
        f"give both files to whoever makes requests: keyquorum request new --key {paths[0]} --accepted {paths[1]}. "
        f"{keeper.name} answers with 'keyquorum sign --token'."
    )


def kept_key(
    keeper: Person, held: "KeyInToken", custody: Custody, rsa_algorithm: int
) -> tuple[Signed[KeyRecord], Signed[Acceptance]]:
    """Make the record of a key in a token, and its keeper's acceptance; the token shows that it can sign.

    The key is called as ``custody`` says, or else as in the token. Both are kept in the keystore too. Raises as
    ``KeyInToken.dnskey`` and ``keep``.
    """
    public = held.public(rsa_algorithm)
    named = replace(custody, label=custody.label or held.facts.label)
    made = keep(keeper.identity, named, public, held.device(dnskey_of(public)), world.now(), RNG)
    keeper.keep_whole(*made)
    return made


def requested_keys(
    sources: Sequence[str],
    written: Mapping[str, Signed[KeyRecord]],
    requester: Person,
    stack: ExitStack,
    pin_file: Path | None,
    module: Path | None,
) -> tuple[tuple[Signed[KeyRecord], ...], list[Signed[Acceptance]]]:
    """Give the records of the keys of a request, and the acceptances of those that are in a token.

    ``written`` has the record of each source that is a file; the others are URIs, of keys that the requester keeps.
    Tokens are open until ``stack`` closes. Raises as ``requested_key``.
    """
    found, own = dict(written), []
    if len(written) < len(set(sources)):
        from keyquorum.cli.token_keys import TokenKeys  # noqa: PLC0415

        tokens = TokenKeys(stack, pin_file, module)
        for source in dict.fromkeys(sources):
            if source not in written:
                found[source], acceptance = requested_key(requester, tokens.find(source), tuple(written.values()))
                own.append(acceptance)
    return tuple(found[source] for source in sources), own


def requested_key(
    requester: Person, held: "KeyInToken", others: Sequence[Signed[KeyRecord]]
) -> tuple[Signed[KeyRecord], Signed[Acceptance]]:
    """Give the record of a key in a token that is to sign beside ``others``, with the requester as its keeper.

    It is for the zones that all of the others are for: one that the requester has made before, if there is one, or a
    new one. An RSA key is for the algorithm of the first other RSA key, or for RSASHA256. Raises as ``kept_key``, and
    UsageError where there are no others.
    """
    if not others:
        raise UsageError(
            "nothing says which zones the key in the token may sign",
            where=held.source,
            do="Make its record first: keyquorum key token.",
        )
    numbers = [other.record.public.algorithm for other in others]
    rsa_algorithm = next((number for number in numbers if number in RSA.values()), RSA["RSASHA256"])
    zones = tuple(zone for zone in others[0].record.zones if all(zone in other.record.zones for other in others))
    public = held.public(rsa_algorithm)
    for key, acceptance in requester.kept_whole():
        asking = {card.record.signer for card in key.record.requesters}
        fits = key.record.public == public and set(zones) <= set(key.record.zones)
        if fits and requester.identity.verification_key in asking:
            return key, acceptance
    return kept_key(requester, held, Custody(zones, (requester.card,), (requester.card,)), rsa_algorithm)
