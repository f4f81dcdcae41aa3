"""A place on the web where unbound-anchor finds a root-anchors.xml, signed as IANA's is: HTTPS, a detached PKCS#7.

All certificates are made here for two days; unbound-anchor is told which to trust.
"""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SIGNER = "anchors@example"
_OTHER_USES = (
    "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign",
    "encipher_only", "decipher_only",
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where the file can be had: a port of localhost, and the certificate that its signer's is signed by."""

    port: int
    authority: Path
    xml: str = "anchors.xml"
    signature: str = "anchors.p7s"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@contextmanager
def published(xml: bytes, directory: Path) -> Iterator[Place]:
    """Publish ``xml`` on a port of localhost until the block ends; files go to ``directory``."""
    authority_key, signer_key = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    authority = _certificate("authority", authority_key, None, authority_key)
    signer = _certificate("signer", signer_key, authority, authority_key)
    place = Place(0, directory / "authority.pem")
    builder = PKCS7SignatureBuilder().set_data(xml).add_signer(signer, signer_key, SHA256())
    signature = builder.sign(Encoding.DER, [PKCS7Options.DetachedSignature, PKCS7Options.Binary])
    (directory / place.xml).write_bytes(xml)
    (directory / place.signature).write_bytes(signature)
    place.authority.write_bytes(authority.public_bytes(Encoding.PEM))
    private = signer_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (directory / "tls.pem").write_bytes(private + signer.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "tls.pem")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(directory))) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield Place(server.server_port, place.authority)
        finally:
            server.shutdown()
            thread.join()


def _certificate(
    name: str, key: rsa.RSAPrivateKey, issuer: x509.Certificate | None, issuer_key: rsa.RSAPrivateKey
) -> x509.Certificate:
    names = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if issuer is not None:
        names.append(x509.NameAttribute(NameOID.EMAIL_ADDRESS, SIGNER))
    subject, now = x509.Name(names), datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(issuer is None, None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    )
    if issuer is not None:
        # unbound-anchor takes no signer without both.
        extended = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        usage = x509.KeyUsage(digital_signature=True, **dict.fromkeys(_OTHER_USES, False))
        builder = builder.add_extension(extended, critical=False).add_extension(usage, critical=True)
    return builder.sign(issuer_key, SHA256())
