"""What is shown and reported of tokens, of the objects in them, and of a key that was loaded; and asking for PINs."""

from collections.abc import Sequence
from getpass import getpass
from pathlib import Path
from typing import Any

import click
from pkcs11 import Attribute

from keyquorum.cli import terminal
from keyquorum.errors import UsageError
from keyquorum.escrow.keys import ALGORITHMS
from keyquorum.tokens.loading import Loaded
from keyquorum.tokens.modules import TokenFacts
from keyquorum.tokens.objects import ObjectFacts
from keyquorum.tokens.session import AskPin, OpenToken, read_pin
from keyquorum.tokens.signing import hindrance
from keyquorum.tokens.uri import TokenUri

_USES = (
    Attribute.SIGN,
    Attribute.VERIFY,
    Attribute.ENCRYPT,
    Attribute.DECRYPT,
    Attribute.WRAP,
    Attribute.UNWRAP,
    Attribute.DERIVE,
)


def asked_pin(pin_file: Path | None, *, officer: bool = False) -> AskPin:
    """Give what asks for the PIN of a token's user (or its security officer's), or reads it from a file."""
    whose, option = ("Security officer's PIN", "--so-pin-file") if officer else ("PIN", "--pin-file")

    def ask(facts: TokenFacts) -> bytes:
        if pin_file is not None:
            return read_pin(pin_file)
        if not terminal.at_terminal():
            raise UsageError("there is no terminal to ask for a PIN at", where=facts.name, do=f"Give {option} FILE.")
        # The label is the token's word, and this goes to the terminal as it is.
        name = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in facts.name)
        pin = getpass(f"{whose} of {name}: ")
        if not pin:
            raise UsageError("no PIN was given", where=facts.name)
        return pin.encode("utf-8", "surrogateescape")

    return ask


def identifier(text: str | None) -> bytes | None:
    """Read a CKA_ID given in hexadecimal; UsageError for anything else."""
    if text is None:
        return None
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise UsageError("an id is hexadecimal", where=f"--id {text}", do="For example --id 4f66.") from None


def show_token(facts: TokenFacts) -> None:
    """Show a token and its module."""
    terminal.heading(f"{facts.name[0].upper()}{facts.name[1:]}" + " is not set up" * (not facts.initialised))
    description, version, maker = facts.library[1], facts.library[2], facts.library[0]
    _uri(facts.uri)
    terminal.facts(
        [
            ("slot", f"{facts.slot_id} ({facts.slot})"),
            ("state", facts.state),
            ("maker", f"{facts.manufacturer}; firmware {facts.firmware}"),
            ("module", f"{description or facts.module.name} {version}, {maker}"),
        ]
    )


def token_document(facts: TokenFacts) -> dict[str, Any]:
    """Give what is reported of a token."""
    return {
        "uri": facts.uri.text(),
        "label": facts.label,
        "serial": facts.serial,
        "manufacturer": facts.manufacturer,
        "model": facts.model,
        "firmware": facts.firmware,
        "slot": facts.slot_id,
        "module": str(facts.module),
        "initialised": facts.initialised,
        "state": facts.state,
    }


def abilities(opened: OpenToken) -> dict[str, tuple[bool, str]]:
    """Say for each algorithm whether the token can have such keys, and with which sizes or why not."""
    able = {}
    for name, algorithm in ALGORITHMS.items():
        answers = {bits: hindrance(opened, name, bits) for bits in algorithm.bits or (0,)}
        sizes = [str(bits) for bits, why in answers.items() if not why]
        if not sizes:
            able[name] = False, next(iter(answers.values()))
        else:
            able[name] = True, f"{', '.join(sizes)} bits" if algorithm.bits else ""
    return able


def show_objects(title: str, objects: Sequence[ObjectFacts]) -> None:
    """Show objects in a table, ``none`` where there are none."""
    terminal.heading(title)
    if not objects:
        terminal.say("  none")
        return
    rows = [
        (one.kind, one.label, one.id.hex(), f"{one.key_type} {one.bits or ''}".strip(), _tags(one), _may(one))
        for one in objects
    ]
    terminal.listing(["class", "label", "id", "key", "key tag", "attributes"], rows)


def object_document(one: ObjectFacts, uri: TokenUri) -> dict[str, Any]:
    """Give what is reported of an object in the token that ``uri`` names."""
    return {
        "uri": one.uri(uri).text(),
        "class": one.kind,
        "label": one.label,
        "id": one.id.hex(),
        "key_type": one.key_type,
        "bits": one.bits,
        "key_tags": dict(one.algorithms),
        "attributes": {f"CKA_{flag.name}": value for flag, value in one.flags.items()},
    }


def counted(objects: Sequence[ObjectFacts]) -> str:
    """Say how many objects."""
    return f"{len(objects)} object" + "s" * (len(objects) != 1)


def show_loaded(loaded: Loaded) -> None:
    """Show a key that was loaded: where it is, how it came in, and how each attribute stands."""
    terminal.heading("The key was in the token already" if loaded.was_there else "The key is in the token")
    _uri(loaded.uri)
    terminal.facts(
        [
            ("label, id", f"{loaded.label}, {loaded.id.hex()}"),
            ("came in by", loaded.path),
            ("proved", "it signed a random message there; the signature verifies outside"),
        ]
    )
    terminal.heading("Attributes of the private key, as the token gives them back")
    rows = [(one.name, _yes(one.wanted), terminal.verdict(one.as_wanted, _yes(one.is_))) for one in loaded.readings]
    terminal.listing(["attribute", "asked for", "is"], rows)
    if loaded.deviations:
        names = ", ".join(one.name for one in loaded.deviations)
        terminal.say()
        terminal.say(f"Not as asked for: {names}. Leave the key there only if that will do.", style="bold red")


def loaded_document(loaded: Loaded) -> dict[str, Any]:
    """Give what is reported of a key that was loaded."""
    return {
        "uri": loaded.uri.text(),
        "label": loaded.label,
        "id": loaded.id.hex(),
        "path": loaded.path,
        "was_there": loaded.was_there,
        "attributes": {one.name: {"asked_for": one.wanted, "is": one.is_} for one in loaded.readings},
        "deviations": [one.name for one in loaded.deviations],
    }


def _uri(uri: TokenUri) -> None:
    """Write a URI on a line of its own, however long: one that is broken cannot be copied."""
    click.echo(f"  {uri.text()}")


def _yes(value: bool | None) -> str:
    return "not said" if value is None else "yes" if value else "no"


def _tags(one: ObjectFacts) -> str:
    tags = [f"{tag} ({name})" for name, tag in one.algorithms]
    return tags[0].split(" ")[0] if len(tags) == 1 else ", ".join(tags)


def _may(one: ObjectFacts) -> str:
    """Say what an object may be used for, and how far it is kept."""
    kept = []
    if one.kind in {"private", "secret-key"}:
        kept = [
            word
            for word, attribute, value in (
                ("sensitive", Attribute.SENSITIVE, True),
                ("NOT sensitive", Attribute.SENSITIVE, False),
                ("extractable", Attribute.EXTRACTABLE, True),
                ("not extractable", Attribute.EXTRACTABLE, False),
                ("PIN for each use", Attribute.ALWAYS_AUTHENTICATE, True),
            )
            if one.flags.get(attribute) is value
        ]
    return ", ".join([use.name.lower() for use in _USES if one.flags.get(use)] + kept)
