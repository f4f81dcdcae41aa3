"""``keyquorum token``: tokens and HSMs by PKCS#11 URI: what is in them, keys into them, and out of them for good."""

from pathlib import Path

import click
import dns.name

from keyquorum.cli import terminal
from keyquorum.cli.options import FILE, approve_option, json_option
from keyquorum.cli.private_keys import private_key_from
from keyquorum.cli.token_facts import (
    abilities,
    asked_pin,
    counted,
    identifier,
    loaded_document,
    object_document,
    show_loaded,
    show_objects,
    show_token,
    token_document,
)
from keyquorum.cli.world import RNG, naming, read_file
from keyquorum.dnssec.anchor_files import Anchor, read_anchors
from keyquorum.dnssec.anchors import dnskey_text, ds_text
from keyquorum.errors import KeyquorumError, UsageError
from keyquorum.escrow.keys import ALGORITHMS
from keyquorum.machine.memory import lock_memory
from keyquorum.records.fields import ZONE
from keyquorum.tokens.loading import load
from keyquorum.tokens.modules import TokenFacts, modules_for, tokens_of
from keyquorum.tokens.objects import objects_of
from keyquorum.tokens.session import open_token
from keyquorum.tokens.templates import placing_of
from keyquorum.tokens.trial import try_out
from keyquorum.tokens.uri import TokenUri, read_uri
from keyquorum.tokens.wiping import UNPROVED, left_without_login, reinitialise, to_wipe, wipe, wipe_id

_RECORDS_LIMIT = 1 << 20

module_option = click.option("--module", type=FILE, help="The PKCS#11 module (a .so file), if the URI does not say.")
pin_option = click.option("--pin-file", type=FILE, help="Read the user's PIN from the first line of a file.")
no_login_option = click.option("--without-login", is_flag=True, help="Ask for no PIN: what anybody sees and may do.")


@click.group()
def token() -> None:
    """Keys in PKCS#11 tokens and HSMs, named by URI (RFC 7512)."""


@token.command("list")
@module_option
@json_option
def list_command(module: Path | None, json_: bool) -> None:
    """List tokens with their URIs. Without --module, those of SoftHSM and opencryptoki."""
    found: list[TokenFacts] = []
    troubles: list[str] = []
    for path in modules_for(TokenUri(), module):
        try:
            found.extend(tokens_of(path))
        except KeyquorumError as error:
            if module is not None:
                raise
            troubles.append(f"{error.where}: {error.what}")
    if json_:
        terminal.as_json({"tokens": [token_document(facts) for facts in found], "unusable_modules": troubles})
        return
    for facts in found:
        show_token(facts)
    for trouble in troubles:
        terminal.tell(f"Not usable: {trouble}.")
    if any(facts.initialised for facts in found):
        terminal.next_step("see what is in one: keyquorum token inspect 'URI'.")
    else:
        terminal.next_step("set a token up with its vendor's program (SoftHSM: softhsm2-util --init-token).")


@token.command()
@click.argument("uri")
@module_option
@pin_option
@no_login_option
@json_option
def inspect(uri: str, module: Path | None, pin_file: Path | None, without_login: bool, json_: bool) -> None:
    """Show a token, the algorithms it has, and the objects in it that URI names."""
    asked = read_uri(uri)
    with open_token(asked, None if without_login else asked_pin(pin_file), module=module) as opened:
        objects, able, facts = objects_of(opened, asked), abilities(opened), opened.facts
    if json_:
        listed = [object_document(one, facts.uri) for one in objects]
        algorithms = {name: {"can": can, "remark": remark} for name, (can, remark) in able.items()}
        terminal.as_json({**token_document(facts), "algorithms": algorithms, "objects": listed})
        return
    show_token(facts)
    terminal.heading("Algorithms")
    terminal.facts((name, f"yes, {remark}".rstrip(", ") if can else remark) for name, (can, remark) in able.items())
    show_objects("Objects" + " that show without a login" * without_login, objects)
    key = next((one for one in objects if one.kind == "private"), None)
    if key:
        terminal.next_step(f"try a key: keyquorum token test '{key.uri(facts.uri).text()}'.")
    else:
        terminal.next_step(f"load a key: keyquorum token load '{facts.uri.text()}' --key FILE.")


@token.command("load")
@click.argument("uri")
@click.option("--key", "source", metavar="PEM", required=True, help="The private key: a PEM file, or a URI.")
@click.option("--algorithm", type=click.Choice(list(ALGORITHMS)), help="Its algorithm.  [default: RSASHA256 for RSA]")
@click.option("--zone", metavar="NAME", help="The zone whose key it is: its DNSKEY and DS are shown.")
@click.option("--label", help="CKA_LABEL.  [default: the URI's object, else ZONE-ksk-TAG]")
@click.option("--id", "key_id", metavar="HEX", help="CKA_ID.  [default: the URI's id, else the key tag]")
@click.option("--extractable", is_flag=True, help="Let the key leave the token again, wrapped.")
@module_option
@pin_option
@json_option
def load_command(
    uri: str,
    source: str,
    algorithm: str | None,
    zone: str | None,
    label: str | None,
    key_id: str | None,
    extractable: bool,
    module: Path | None,
    pin_file: Path | None,
    json_: bool,
) -> int:
    """Load a private key into the token that URI names, and have it proved there.

    Exit status 1 also where the key is in the token and signs, but an attribute is not as asked for.
    """
    asked, name = read_uri(uri), _zone(zone)
    try:
        lock_memory()
    except KeyquorumError as error:
        terminal.tell(f"The key can get from memory onto a disk: {error.what}. {error.do}", style="bold")
    with private_key_from(source, algorithm) as key:
        shown = (name.to_text(omit_final_dot=True) if name != dns.name.root else "root") if name else ""
        placing = placing_of(key, asked, label=label, id_=identifier(key_id), zone=shown, extractable=extractable)
        with open_token(asked.token_only(), asked_pin(pin_file), module=module, writable=True) as opened:
            loaded = load(opened, key, placing, RNG)
        dnskey = key.dnskey()
    assert dnskey is not None  # noqa: S101
    records = {"DNSKEY": dnskey_text(name, dnskey), "DS": ds_text(name, dnskey)} if name else {}
    status = 1 if loaded.deviations else 0
    if json_:
        lower = {kind.lower(): text for kind, text in records.items()}
        terminal.as_json({**loaded_document(loaded), "key_tag": dnskey.tag, **lower})
        return status
    show_loaded(loaded)
    terminal.heading(f"The key in the DNS: key tag {dnskey.tag}")
    for text in records.values():
        click.echo(text)
    terminal.next_step(
        f"make the token's backup as its vendor says, and destroy {source}. Try the key where it will work: "
        f"keyquorum token test '{loaded.uri.text()}' --dnskey FILE."
    )
    return status


@token.command("test")
@click.argument("uri")
@click.option("--dnskey", "records", type=FILE, help="DNSKEY or DS records; the key must be that of one of them.")
@module_option
@pin_option
@json_option
def test_command(uri: str, records: Path | None, module: Path | None, pin_file: Path | None, json_: bool) -> None:
    """Have the private key that URI names sign a random message, and verify that outside the token."""
    asked, anchors = read_uri(uri), _anchors(records)
    with open_token(asked, asked_pin(pin_file), module=module) as opened:
        tried, facts = try_out(opened, asked, anchors, RNG), opened.facts
    zone = tried.anchor.zone.to_text() if tried.anchor else None
    if json_:
        told = {"algorithm": tried.algorithm, "key_tag": tried.tag, "zone": zone, "signature": "verifies"}
        terminal.as_json({**told, "object": object_document(tried.key, facts.uri)})
        return
    terminal.heading(f"The {tried.key.name}")
    terminal.facts({"in": facts.name, "algorithm": tried.algorithm, "key tag": str(tried.tag)})
    terminal.say()
    if zone is None:
        terminal.say("It signed a random message; that verifies under the public key beside it in the token.")
        terminal.next_step("see that it is the key the world knows: give the zone's DNSKEY or DS as --dnskey FILE.")
    else:
        terminal.say(f"It signed a random message; that verifies under the key of {zone} in {records}.", style="green")
        terminal.next_step("nothing: this token holds the key that the world knows.")


@token.command("wipe")
@click.argument("uri")
@click.option("--all", "everything", is_flag=True, help="Destroy every object of the token.")
@click.option("--reinitialise", "anew", is_flag=True, help="Then initialise the token anew; with --all.")
@click.option("--so-pin-file", type=FILE, help="Read the security officer's PIN from the first line of a file.")
@module_option
@pin_option
@no_login_option
@approve_option
@json_option
def wipe_command(
    uri: str,
    everything: bool,
    anew: bool,
    so_pin_file: Path | None,
    module: Path | None,
    pin_file: Path | None,
    without_login: bool,
    approve: str | None,
    json_: bool,
) -> int:
    """Destroy the objects that URI names, for good, and list what is left.

    Exit status 1 if the token kept any of them.
    """
    asked = read_uri(uri)
    if anew and not everything:
        raise UsageError("a token that is initialised anew loses every object", do="Say --all as well.")
    with open_token(asked, None if without_login else asked_pin(pin_file), module=module, writable=True) as opened:
        facts, objects = opened.facts, to_wipe(opened, asked, everything=everything)
        wiping = wipe_id(facts, objects, reinitialise=anew)
        if not json_:
            show_objects(f"To be destroyed in {facts.name}", objects)
            terminal.facts({"and then": "the token is initialised anew"} if anew else {})
            terminal.facts({"id": wiping.hex()})
        more = ", and initialise the token anew" * anew
        terminal.agree(f"Destroy {counted(objects)} in {facts.name}{more}? For good.", wiping, approve)
        # Asked for while everything is still there.
        officer = asked_pin(so_pin_file, officer=True)(facts) if anew and not facts.pin_pad else None
        wiped = wipe(opened, objects)
        kept, left = wiped.kept, objects_of(opened)
    if anew:
        facts, kept, left = reinitialise(facts, officer), (), ()
    seen = left_without_login(facts)
    status = 1 if kept else 0
    if json_:
        document = {
            "id": wiping.hex(),
            "destroyed": [object_document(one, facts.uri) for one in wiped.destroyed],
            "kept": [{**object_document(one, facts.uri), "answer": why} for one, why in kept],
            "reinitialised": anew,
            "left": [object_document(one, facts.uri) for one in left],
            "left_without_login": [object_document(one, facts.uri) for one in seen],
            "unproved": list(UNPROVED),
        }
        terminal.as_json(document)
        return status
    terminal.heading("Done")
    terminal.say(f"  Destroyed: {counted(wiped.destroyed)}." + " The token was initialised anew." * anew)
    for one, why in kept:
        terminal.say(f"  Not destroyed: the {one.name} ({why}).", style="bold red")
    show_objects("Left in the token" + " that shows without a login" * without_login, left)
    show_objects("Left in the token, as anybody sees it", seen)
    terminal.heading("What PKCS#11 cannot show")
    terminal.facts(("-", text) for text in UNPROVED)
    terminal.next_step("do with the token, its backups and its log what its vendor and your ceremony say.")
    return status


def _anchors(records: Path | None) -> list[Anchor]:
    if records is None:
        return []
    data = read_file(records, _RECORDS_LIMIT, "file of DNSKEY or DS records")
    with naming(records):
        return read_anchors(data)


def _zone(text: str | None) -> dns.name.Name | None:
    if text is None:
        return None
    return ZONE.parse(text.lower() if text.endswith(".") else f"{text.lower()}.", "--zone")
