"""Read a mail with perl's Email::MIME, which shares no code with what wrote it."""

from __future__ import annotations

import base64
import json
import subprocess
from dataclasses import dataclass

import pytest

from tests.support.programs import needs

_SCRIPT = """
use Email::MIME; use JSON::PP; use MIME::Base64; binmode STDIN; local $/;
my @parts; my $mail = Email::MIME->new(<STDIN>);
$mail->walk_parts(sub {
  my ($part) = @_; return if $part->subparts;
  my ($type) = split /;/, $part->content_type // 'text/plain';
  push @parts, {name => $part->filename, type => lc $type, body => encode_base64($part->body, '')};
});
print JSON::PP->new->ascii->encode({
  subject => $mail->header_str('Subject'), id => $mail->header_str('Message-ID'), parts => \\@parts });
"""


@dataclass(frozen=True)
class Part:
    """A part without parts: its file name where it has one, and its content."""

    name: str | None
    media_type: str
    body: bytes


@dataclass(frozen=True)
class ReadMail:
    """A mail as the parser read it."""

    subject: str
    message_id: str
    parts: list[Part]

    def files(self) -> dict[str, bytes]:
        """Return what is attached, by its name."""
        return {part.name: part.body for part in self.parts if part.name}


def read_mail(content: bytes) -> ReadMail:
    """Parse a mail."""
    perl = needs("perl", "libemail-mime-perl")
    ran = subprocess.run([perl, "-e", _SCRIPT], input=content, capture_output=True, check=False)
    if ran.returncode:
        if b"Email/MIME.pm" in ran.stderr:
            pytest.fail("This test reads mails with Email::MIME: apt-get install libemail-mime-perl")
        pytest.fail(ran.stderr.decode())
    read = json.loads(ran.stdout)
    parts = [Part(part["name"], part["type"], base64.b64decode(part["body"])) for part in read["parts"]]
    return ReadMail(read["subject"], read["id"], parts)
