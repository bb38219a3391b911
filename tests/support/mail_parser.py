"""Read a mail with perl's Email::MIME, which shares no code with what wrote it."""

from __future__ import annotations

import base64
import subprocess
from dataclasses import dataclass

import pytest

from tests.support.programs import needs

# One line for the mail, then one for each part; perl's own JSON takes many seconds for a large file.
_SCRIPT = """
use Email::MIME; use MIME::Base64; use Encode; binmode STDIN; local $/;
sub told { join("\\t", map { encode_base64($_, '') } @_) . "\\n" }
my $mail = Email::MIME->new(<STDIN>);
print told(map { encode_utf8($mail->header_str($_) // '') } 'Subject', 'Message-ID');
$mail->walk_parts(sub {
  my ($part) = @_; return if $part->subparts;
  my ($type) = split /;/, $part->content_type // 'text/plain';
  print told(encode_utf8($part->filename // ''), lc $type, $part->body);
});
"""


@dataclass(frozen=True)
class Part:
    """A part without parts. `name` is empty where it is no file."""

    name: str
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
    (subject, message_id), *parts = (
        [base64.b64decode(cell) for cell in line.split(b"\t")] for line in ran.stdout.splitlines()
    )
    read = [Part(name.decode(), media_type.decode(), body) for name, media_type, body in parts]
    return ReadMail(subject.decode(), message_id.decode(), read)
