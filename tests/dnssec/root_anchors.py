"""The root's trust anchors as IANA publishes them, and the schemas of RFC 7958 and RFC 9718 in RELAX NG's XML form."""

from lxml import etree

KSK_2017 = (
    "AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kvArMtNROx"
    "VQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6"
    "H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU="
)
KSK_2024 = (
    "AwEAAa96jeuknZlaeSrvyAJj6ZHv28hhOKkx3rLGXVaC6rXTsDc449/cidltpkyGwCJNnOAlFNKF2jBosZBU5eeHspaQWOmOElZsjICMQMC3aeHbGiShvZsx"
    "4wMYSjH8e7Vrhbu6irwCzVBApESjbUdpWWmEnhathWu1jo+siFUiRAAxm9qyJNg/wOZqqzL/dL/q8PkcRU5oUKEpUge71M3ej2/7CPqpdVwuMoTvoB+ZOT4Y"
    "eGyxMvHmbrxlFzGOHOijtzN+u1TQNatX2XBuzZNQ1K+s2CXkPIZo7s6JgZyvaBevYtxPvYLw4z9mR7K2vaF18UYH9Z9GNUUeayffKC73PYc="
)
DS = {
    19036: ". IN DS 19036 8 2 49AAC11D7B6F6446702E54A1607371607A1A41855200FD2CE1CDDE32F24E8FB5",
    20326: ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
    38696: ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
}
DNSKEYS = f". 172800 IN DNSKEY 257 3 8 {KSK_2017}\n. 172800 IN DNSKEY 257 3 8 {KSK_2024}\n"
SOURCE = "http://data.iana.org/root-anchors/root-anchors.xml"


def _digest(tag: int, id_: str, times: str, key: str = "") -> str:
    digest = DS[tag].split()[-1]
    public = f"<PublicKey>{key}</PublicKey>\n<Flags>257</Flags>\n" if key else ""
    return (
        f'<KeyDigest id="{id_}" {times}>\n<KeyTag>{tag}</KeyTag>\n<Algorithm>8</Algorithm>\n'
        f"<DigestType>2</DigestType>\n<Digest>{digest}</Digest>\n{public}</KeyDigest>\n"
    )


def published(*, keys: bool = True) -> str:
    """Give the file in the shape it has at IANA, in the form of RFC 9718 or (without keys) of RFC 7958."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<TrustAnchor id="0C05FDD6-422C-4910-8ED6-430ED15E11C2" source="{SOURCE}">\n<Zone>.</Zone>\n'
        + _digest(19036, "Kjqmt7v", 'validFrom="2010-07-15T00:00:00+00:00" validUntil="2019-01-11T00:00:00+00:00"')
        + _digest(20326, "Klajeyz", 'validFrom="2017-02-02T00:00:00+00:00"', KSK_2017 * keys)
        + _digest(38696, "Kmyv6jo", 'validFrom="2024-07-18T00:00:00+00:00"', KSK_2024 * keys)
        + "</TrustAnchor>\n"
    )


def _number(name: str, most: int) -> str:
    return (
        f'<element name="{name}"><data type="nonNegativeInteger">'
        f'<param name="maxInclusive">{most}</param></data></element>'
    )


def schema(*, keys: bool) -> etree.RelaxNG:
    """Give the schema of RFC 9718 (section 2.1), or without ``keys`` that of RFC 7958 (section 2.1.1).

    Both are in RELAX NG's compact form there; this is their content in its XML form, compared pattern by pattern.
    """
    public = '<element name="PublicKey"><data type="base64Binary"/></element>' + _number("Flags", 65535)
    text = f"""
        <element name="TrustAnchor" xmlns="http://relaxng.org/ns/structure/1.0"
                 datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes">
          <attribute name="id"><data type="string"/></attribute>
          <attribute name="source"><data type="string"/></attribute>
          <element name="Zone"><data type="string"/></element>
          <oneOrMore>
            <element name="KeyDigest">
              <attribute name="id"><data type="string"/></attribute>
              <attribute name="validFrom"><data type="dateTime"/></attribute>
              <optional><attribute name="validUntil"><data type="dateTime"/></attribute></optional>
              {_number("KeyTag", 65535)}{_number("Algorithm", 255)}{_number("DigestType", 255)}
              <element name="Digest"><data type="hexBinary"/></element>
              {f"<optional>{public}</optional>" if keys else ""}
            </element>
          </oneOrMore>
        </element>"""
    return etree.RelaxNG(etree.fromstring(text))
