"""The worked example on the instruction pages: a key of nobody's, encrypted and shared once and for all.

The key is Ed25519 with the seed SHA-256("keyquorum example key"); the master secret is SHA-256("keyquorum example
secret"). A test follows the example with stock tools.
"""

import base64
import hashlib
from typing import Final

from keyquorum.paper.recipe import Says, Step, Types
from keyquorum.paper.sheet import grouped
from keyquorum.paper.typed import lines

NEEDED: Final = 2
SHARES: Final = (
    "smith painting academic acid already raspy fishing mountain lunch seafood slow aircraft credit stick curly "
    "duration universe intend group iris forbid climate prize papa picture nail helpful voter friendly closet careful "
    "smirk upgrade",
    "smith painting academic agency arcade fatal plastic apart beaver ajar intimate hanger nail society club much "
    "credit luck center manual syndrome sister timber salary briefing ultimate shadow welcome award camera helpful "
    "frost beaver",
    "smith painting academic always acid wildlife quantity picture prayer leaves permit public echo anxiety dough "
    "academic starting soul trial transfer timely quantity disaster glimpse judicial tracks early ugly warmth believe "
    "river famous ceramic",
)
SECRET: Final = "019db792bf956e4ad2899a178f5144774b439dc7bee6b541160e9068d58f34c8"  # noqa: S105
RECIPIENT: Final = "4defd2e5ba1581995cb006682e4b1c65"
PUBLIC_DIGEST: Final = "e12584754f7c5a5cc7fb0ce1f9ae3c92490b374f76844c9f76c43f95186877dd"
CMS: Final = base64.b32decode(
    "GCA5SBQLFKDERBXXBUAQSEABC6QIDSJQQHDAEAIAGFIKETQCAECDAEQECBG67UXFXIKYDGK4WADGQLSLDRSTACYGBFQIMSABMUBQIAJNAQUKFU43"
    "XSMMHCEDK7JH64WJBUY7PYEAU4P3ZVXWLX2XMTM4JPSNMUEN4ECFIWFTW6PDAXIGBEVIMSEG64GQCBYBGAPAMCLAQZEACZIDAQAS4MARAQGD22IL"
    "UHANFZ3TCKMG2NACAEIIAMEFBRCOOZSYUB7LY5Q5FKNW6EJ7B7W2DNVBV2URNTDATQ4RMDTPIKQGLMOWN55ZUPXPDGDFBV7SEB3QIEEYISZNTCW3"
    "CXKVTLLEEIFPKAFP"
)


def example_steps() -> tuple[Step, ...]:
    """Give the worked example: shares and key.cms of nobody's key, and what each step must print."""
    shares = tuple(
        part
        for number, words in enumerate(SHARES, 1)
        for part in (Says(f"Share {number}: `{words}`"), Types((_fingerprint(number),)))
    )
    return (
        Step(
            "Shares",
            (Says(f"Any {NEEDED} of 3, each with its fingerprint below:"), *shares),
        ),
        Step("Master secret", (Says("What any two of them give:"), Types((SECRET,)))),
        Step(
            "The encrypted key",
            (Says("As text, without its QR codes:"), Types(tuple(str(line) for line in lines(CMS)))),
        ),
        Step(
            "Decrypt",
            (
                Says("With the master secret above in `secret`, as in step 2:"),
                Types((
                    "$ cut -d' ' -f3- example.txt | tr -d ' \\n' | base32 -d > example.cms",
                    '$ openssl cms -decrypt -inform DER -in example.cms -secretkey "$secret" \\',
                    f"    -secretkeyid {RECIPIENT} \\",
                    "    -out example.der || { rm -f example.der; echo FAILED; }",
                    "$ openssl pkey -inform DER -in example.der -pubout -outform DER | sha256sum",
                )),
                Says("must print"),
                Types((PUBLIC_DIGEST,)),
            ),
        ),
    )  # fmt: skip


def _fingerprint(number: int) -> str:
    """Give the fingerprint of a share of the example, in groups."""
    return grouped(hashlib.sha256(SHARES[number - 1].encode()).hexdigest())
