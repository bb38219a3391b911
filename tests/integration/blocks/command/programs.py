"""Two small programs that take files, one in sh and one in Perl: each keeps what it got in a folder for each key."""

from __future__ import annotations

from pathlib import Path

IN_SH = """#!/bin/sh
# Keeps each argument that is a file; what a key has brought once stays.
set -eu
place="$INBOX/$(printf %s "$MAILROOM_DELIVERY_KEY" | tr / -)"
[ -e "$place" ] && { echo "was there"; exit 0; }
mkdir "$place.new"
for file in "$@"; do
  if [ -f "$file" ]; then cp -- "$file" "$place.new/"; fi
  printf '%s\\n' "$file" >> "$INBOX/../said"
done
mv "$place.new" "$place"
echo "kept ${TOKEN:-nothing}"
printf '{"id": "sh-%s"}\\n' "$MAILROOM_DELIVERY_KEY"
"""

IN_PERL = """#!/usr/bin/perl
use strict; use warnings; use File::Basename;
(my $key = $ENV{MAILROOM_DELIVERY_KEY}) =~ tr{/}{-};
my $place = "$ENV{INBOX}/$key";
if (-e $place) { print "was there\\n"; exit 0 }
mkdir "$place.new" or die "mkdir: $!";
open(my $said, '>>', "$ENV{INBOX}/../said") or die;
for my $file (@ARGV) {
    if (-f $file) {
        open(my $in, '<:raw', $file) or die "$file: $!";
        open(my $out, '>:raw', "$place.new/" . basename($file)) or die "$file: $!";
        print $out (do { local $/; <$in> // '' });
        close($out) or die "$file: $!";
    }
    print $said "$file\\n";
}
rename("$place.new", $place) or die "rename: $!";
print STDERR "kept ", $ENV{TOKEN} // 'nothing', "\\n";
"""


def written(folder: Path, name: str, source: str) -> Path:
    """Write a program that can be started; returns its path."""
    path = folder / name
    path.write_text(source)
    path.chmod(0o755)
    return path
