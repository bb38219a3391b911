from __future__ import annotations

import base64
from typing import Any

import pytest
from prefect_email import EmailServerCredentials
from pydantic import ValidationError

from prefect_mailroom.channels import registry
from prefect_mailroom.channels.email.channel import EmailChannel
from prefect_mailroom.channels.email.destination import EmailDestination
from prefect_mailroom.channels.folder import FolderChannel
from prefect_mailroom.channels.webhook.channel import WebhookChannel
from prefect_mailroom.errors import ConfigurationError

SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()


def email(**settings: Any) -> EmailDestination:
    found = registry.destination({"channel": "email", "connection": "corp", "to": ["ada@example.com"], **settings})
    assert isinstance(found, EmailDestination)
    return found


def test_destination_by_its_channel() -> None:
    assert email().to == ["ada@example.com"]
    webhook = registry.destination({"channel": "webhook", "connection": "hook", "payload": "multipart"})
    assert webhook.recipients() == ["hook"]


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"channel": "pigeon", "connection": "x"}, "destinations.0.channel"),
        ({"connection": "x"}, "destinations.0.channel"),
        ({"channel": ["email"], "connection": "x"}, "destinations.0.channel"),
        ({"channel": "email", "connection": "Not A Slug", "to": ["a@example.com"]}, "destinations.0.connection"),
        ({"channel": "email", "connection": "x", "to": ["a@example.com", "b"]}, "destinations.0.to"),
        ({"channel": "email", "connection": "x", "to": [7]}, "destinations.0.to.0"),
        ({"channel": "email", "connection": "x"}, "destinations.0"),
        ({"channel": "email", "connection": "x", "to": ["a@example.com"], "attach": "post"}, "destinations.0.attach"),
        ({"channel": "email", "connection": "x", "to": ["a@example.com"], "sbject": "x"}, "destinations.0.sbject"),
        ({"channel": "email", "connection": "x", "to": ["a@example.com"], "subject": "{x}"}, "destinations.0.subject"),
        ({"channel": "folder", "connection": "x", "path": "../{date}"}, "destinations.0.path"),
        ({"channel": "folder", "connection": "x", "path": "{date}/%2e%2e/x"}, "destinations.0.path"),
    ],
)
def test_faults_are_named_by_their_field(data: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        registry.destination(data, at="destinations.0")
    assert caught.value.field == field
    assert caught.value.remedy


@pytest.mark.parametrize(
    "address",
    [
        "a@example.com\r\nBcc: x@example.com",
        "a@example.com\n",
        "a\u2028@example.com",
        "a b@example.com",
        "Ada <ada@example.com>",
        "a@example.com,b@example.com",
        "@example.com",
        "a@",
        "a@b@example.com",
        "ä@example.com",
        "a@-example.com",
        "a@exa..mple.com",
        "a" * 65 + "@example.com",
        '"a b"@example.com',
        "a@example.com>",
        "a@[127.0.0.1]",
    ],
)
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        email(to=[address])
    assert "\n" not in str(caught.value)
    assert caught.value.field == "to"


def test_line_break_in_an_address_is_named() -> None:
    with pytest.raises(ConfigurationError, match="contains a blank, line break"):
        email(to=["ada@example.com\r\nBcc: evil@example.com"])


def test_international_domain_is_sent_in_ascii() -> None:
    assert email(to=["ada@Bücher.example"]).to == ["ada@xn--bcher-kva.example"]


@pytest.mark.parametrize(
    ("address", "sent"),
    [
        ("ada@straße.de", "ada@xn--strae-oqa.de"),
        ("ada@STRASSE.de", "ada@strasse.de"),
        ("ada@faß.example", "ada@xn--fa-hia.example"),
        ("ada@xn--strae-oqa.de", "ada@xn--strae-oqa.de"),
    ],
)
def test_domains_are_encoded_after_idna_2008(address: str, sent: str) -> None:
    """IDNA 2003 turns ß into ss, which is another registrant's domain."""
    assert email(to=[address]).to == [sent]


@pytest.mark.parametrize("address", ["ada@mail.corp.local", "root@localhost", "ada@intranet", "ada@mailroom.test"])
def test_domains_inside_a_company_are_accepted(address: str) -> None:
    assert email(to=[address]).to == [address]


@pytest.mark.parametrize("address", ["ada@-x.corp.local", "ada@☃.local", "ada@" + "x." * 130 + "local"])
def test_domains_inside_a_company_are_checked(address: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        email(to=[address])
    assert caught.value.field == "to"


def test_one_delivery_for_each_recipient() -> None:
    destination = email(
        to=["ada@example.com", "bob@example.com"], cc=["ada@EXAMPLE.com", "Ada@example.com"], bcc=["bob@example.com"]
    )
    assert destination.recipients() == ["ada@example.com", "bob@example.com", "Ada@example.com"]


def test_recipients_are_capped() -> None:
    with pytest.raises(ConfigurationError, match="at most 100"):
        email(to=[f"a{number}@example.com" for number in range(101)])
    assert len(email(to=[f"a{number}@example.com" for number in range(100)]).recipients()) == 100


def test_a_test_goes_to_the_caller_alone() -> None:
    destination = email(cc=["boss@example.com"], bcc=["hidden@example.com"]).for_test("me@example.com")
    assert destination.recipients() == ["me@example.com"]
    with pytest.raises(ConfigurationError):
        email().for_test("not an address")


def test_a_test_of_a_folder_stays_apart() -> None:
    destination = registry.destination({"channel": "folder", "connection": "x", "path": "{date}.{ext}"})
    tested = destination.for_test("me@example.com")
    assert tested is not None
    assert tested.recipients() == ["test/{date}.{ext}"]


@pytest.mark.parametrize("text", ["{nothing}", "{report_name.x}", "open {", "bell\a", "{date:%Q}", "x" * 10_001])
def test_text_of_a_mail_is_a_template(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        email(text=text)
    assert caught.value.field == "text"
    assert email(text="Dear {param_name},\r\n\n\t{{braces}} \u200f").templates()["text"].startswith("Dear")


def test_readers_are_the_same_by_any_connection() -> None:
    one, other = email(to=["Ada@example.com"]), email(to=["ada@EXAMPLE.com"], connection="another")
    assert [reader.identity for reader in one.audience()] == [reader.identity for reader in other.audience()]
    hooks = [registry.destination({"channel": "webhook", "connection": name}) for name in ("a", "b")]
    assert hooks[0].audience()[0].identity != hooks[1].audience()[0].identity


@pytest.mark.parametrize("security", ["INSECURE", "UNVERIFIED"])
def test_mail_without_encryption_only_when_said(security: str) -> None:
    if security == "INSECURE":
        credentials = EmailServerCredentials(smtp_server="mail.example.com", smtp_type="INSECURE")
    else:
        credentials = EmailServerCredentials(smtp_server="mail.example.com", smtp_type="STARTTLS", verify=False)
    with pytest.raises(ValidationError, match="allow_plain"):
        EmailChannel(credentials=credentials, from_address="reports@example.com")
    EmailChannel(credentials=credentials, from_address="reports@example.com", allow_plain=True)


@pytest.mark.parametrize("name", ["Reports\r\nBcc: x@example.com", "a\u2028b", "a\u202eb"])
def test_sender_name_is_one_line(name: str) -> None:
    with pytest.raises(ValidationError):
        EmailChannel(credentials=EmailServerCredentials(), from_address="reports@example.com", from_name=name)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://example.com",
        "ftp://example.com",
        "//example.com",
        "https://",
        "https://user@host@127.0.0.1/",
        "https://user:pw@example.com/",
        "https://exa mple.com",
        "javascript:alert(1)",
    ],
)
def test_urls_that_are_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="url:"):
        WebhookChannel(url=url, signing_secret=SECRET)


@pytest.mark.parametrize("secret", ["c2hvcnQ=", "whsec_c2hvcnQ=", "whsec_" + "!" * 40, "whsec_"])
def test_weak_signing_secrets_are_refused_unseen(secret: str) -> None:
    with pytest.raises(ValidationError) as caught:
        WebhookChannel(url="https://hooks.example.com", signing_secret=secret)
    assert secret not in str(caught.value).replace("whsec_ and", "") or secret == "whsec_"


def test_login_needs_its_secret() -> None:
    with pytest.raises(ValidationError, match="auth_secret"):
        WebhookChannel(url="https://hooks.example.com", signing_secret=SECRET, auth="bearer")
    with pytest.raises(ValidationError, match="line break") as caught:
        WebhookChannel(url="https://x.example", signing_secret=SECRET, auth="bearer", auth_secret="canary\r\nX: y")
    assert "canary" not in str(caught.value)


def test_folder_root_is_absolute() -> None:
    with pytest.raises(ValidationError, match="absolute"):
        FolderChannel(root="reports")
