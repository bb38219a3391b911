"""Name the reasons to refuse a token of the identity provider."""

from __future__ import annotations

from enum import StrEnum

from prefect_mailroom.errors import MailroomError


class Fault(StrEnum):
    """The fault of a token. An attacker learns nothing from the difference that the token itself would hide."""

    MALFORMED = "malformed"
    ALGORITHM = "algorithm"
    KEY = "key"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    EXPIRED = "expired"
    NOT_YET = "not_yet"
    SUBJECT = "subject"
    NONCE = "nonce"
    CLAIMS = "claims"
    CODE = "code"


_WORDS = {
    Fault.MALFORMED: "it is not a signed JSON Web Token",
    Fault.ALGORITHM: "its algorithm is not one of MAILROOM_OIDC_ALGORITHMS, or not that of its key",
    Fault.KEY: "the identity provider has no such key",
    Fault.SIGNATURE: "its signature is wrong",
    Fault.ISSUER: "it comes from another issuer",
    Fault.AUDIENCE: "it was made for another audience",
    Fault.EXPIRED: "it has expired",
    Fault.NOT_YET: "it is not valid yet",
    Fault.SUBJECT: "it has no usable `sub`",
    Fault.NONCE: "it belongs to another log-in",
    Fault.CLAIMS: "it lacks a claim that is needed, or has one of the wrong kind",
    Fault.CODE: "the identity provider does not take its code, which may have been used before",
}


class TokenRefused(MailroomError):
    """A token that is not accepted; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(
            f"The token is not accepted: {_WORDS[fault]}.", remedy="Get a new token from the identity provider."
        )
        self.fault = fault
