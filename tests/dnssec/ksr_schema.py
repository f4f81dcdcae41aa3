"""The schema of KSR and SKR (draft-icann-dnssec-keymgmt, appendix B) in RELAX NG's XML form: a judge of what we write.

There it is in the compact form and knows RSA and DSA; the element for the newer algorithms is that of the root's
software of today (ECDSA), and ours for EdDSA in its image.
"""

from functools import cache

from lxml import etree

SMALL = {"keytag": 65535, "octet": 255, "flags": 65535}


@cache
def schema() -> etree.RelaxNG:
    """Give the schema."""
    numbers = "".join(f'<define name="{name}">{_number(most)}</define>' for name, most in SMALL.items())
    text = f"""
        <grammar xmlns="http://relaxng.org/ns/structure/1.0"
                 datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes">
          <start>
            <element name="KSR">
              {_attribute("id", "string")}{_attribute("serial", "nonNegativeInteger")}{_attribute("domain", "string")}
              <choice>
                {_document("Request", "RequestPolicy", _policy("ZSK"), "RequestBundle", _many("zeroOrMore", "Signer"))}
                {_document("Response", "ResponsePolicy", _policy("KSK") + _policy("ZSK"), "ResponseBundle", "")}
              </choice>
            </element>
          </start>
          <define name="Signer">
            <element name="Signer">{_attribute("keyIdentifier", "string")}<empty/></element>
          </define>
          <define name="Key">
            <element name="Key">
              <optional>{_attribute("keyIdentifier", "string")}</optional>
              <attribute name="keyTag"><ref name="keytag"/></attribute>
              {_data("TTL", "nonNegativeInteger")}{_ref("Flags", "flags")}
              <element name="Protocol"><value type="nonNegativeInteger">3</value></element>
              {_ref("Algorithm", "octet")}{_data("PublicKey", "base64Binary")}
            </element>
          </define>
          <define name="Signature">
            <element name="Signature">
              <optional>{_attribute("keyIdentifier", "string")}</optional>
              {_data("TTL", "nonNegativeInteger")}{_data("TypeCovered", "string")}{_ref("Algorithm", "octet")}
              {_ref("Labels", "octet")}{_data("OriginalTTL", "nonNegativeInteger")}
              {_data("SignatureExpiration", "dateTime")}{_data("SignatureInception", "dateTime")}
              {_ref("KeyTag", "keytag")}{_data("SignersName", "string")}{_data("SignatureData", "base64Binary")}
            </element>
          </define>
          <define name="SignatureAlgorithm">
            <element name="SignatureAlgorithm">
              <attribute name="algorithm"><ref name="octet"/></attribute>
              <choice>
                <element name="RSA">
                  {_attribute("size", "nonNegativeInteger")}{_attribute("exponent", "nonNegativeInteger")}<empty/>
                </element>
                {"".join(_sized(name) for name in ("DSA", "ECDSA", "EdDSA"))}
              </choice>
            </element>
          </define>
          {numbers}
        </grammar>"""
    return etree.RelaxNG(etree.fromstring(text))


def _document(name: str, policy: str, policies: str, bundle: str, more: str) -> str:
    return f"""
        <element name="{name}">
          <optional>{_attribute("timestamp", "dateTime")}</optional>
          <element name="{policy}">{policies}</element>
          <oneOrMore>
            <element name="{bundle}">
              {_attribute("id", "string")}{_data("Inception", "dateTime")}{_data("Expiration", "dateTime")}
              {more}{_many("oneOrMore", "Key")}{_many("oneOrMore", "Signature")}
            </element>
          </oneOrMore>
        </element>"""


def _policy(name: str) -> str:
    durations = ("PublishSafety", "RetireSafety", "MaxSignatureValidity", "MinSignatureValidity", "MaxValidityOverlap")
    fields = "".join(_data(field, "duration") for field in (*durations, "MinValidityOverlap"))
    return f'<element name="{name}">{fields}{_many("oneOrMore", "SignatureAlgorithm")}</element>'


def _many(how: str, name: str) -> str:
    return f'<{how}><ref name="{name}"/></{how}>'


def _attribute(name: str, type_: str) -> str:
    return f'<attribute name="{name}"><data type="{type_}"/></attribute>'


def _data(name: str, type_: str) -> str:
    return f'<element name="{name}"><data type="{type_}"/></element>'


def _ref(name: str, to: str) -> str:
    return f'<element name="{name}"><ref name="{to}"/></element>'


def _sized(name: str) -> str:
    return f'<element name="{name}">{_attribute("size", "nonNegativeInteger")}<empty/></element>'


def _number(most: int) -> str:
    return f'<data type="nonNegativeInteger"><param name="maxInclusive">{most}</param></data>'
