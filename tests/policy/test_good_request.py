"""The synthetic quarter is judged by somebody else first: dnspython accepts each signature that was made by hand."""

from keyquorum.dnssec.verify import verify_with_dnspython
from tests.policy.good_request import ROOT, good_previous, good_request


def test_every_signature_is_accepted_by_dnspython() -> None:
    count = 0
    for bundle in (*good_request().bundles, *good_previous().bundles):
        keys = [published.key for published in bundle.keys]
        for signature in bundle.signatures:
            key = next(one for one in keys if one.tag == signature.key_tag)
            verify_with_dnspython(ROOT, keys, signature, key)
            count += 1
    assert count == 11 + 9
