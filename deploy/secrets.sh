#!/bin/sh
# Make every secret of an installation, each in a file of its own: deploy/secrets.sh FOLDER [POSTGRES [REDIS]]
#
# What is there already stays as it is, so that this can be repeated. POSTGRES and REDIS are HOST:PORT, by default those
# of this machine. Nothing is printed but names.
set -eu
umask 077
folder=${1:?name the folder, such as /etc/mailroom/secrets}
postgres=${2:-localhost:5432}
redis=${3:-localhost:6379}
command -v openssl >/dev/null || { echo "This needs openssl. On Debian: apt install openssl" >&2; exit 1; }
mkdir -p "$folder"
chmod 0700 "$folder"
cd "$folder"

keep() { # keep NAME: store standard input unless the file is there
  # What is not needed is read all the same, so that whoever made it does not complain.
  if [ -s "$1" ]; then cat >/dev/null; echo "$1 is there and stays"; return; fi
  cat >"$1.new"
  [ -s "$1.new" ] || { rm -f "$1.new"; echo "$1 could not be made" >&2; exit 1; }
  # The folder keeps others out. Containers get the files alone, and read them as an account of their own.
  chmod 0444 "$1.new"
  mv "$1.new" "$1"
  echo "$1 was made"
}

openssl rand -base64 32 | keep api-key
openssl rand -base64 32 | keep key-pepper
openssl rand -base64 32 | keep audit-key
openssl rand -hex 32 | keep identity-key
openssl rand -hex 32 | keep link-key
# A Fernet key is 32 bytes in the alphabet of base64 that suits URLs.
openssl rand -base64 32 | tr '+/' '-_' | keep prefect-encryption-key
openssl rand -hex 24 | keep postgres-password
openssl rand -hex 24 | keep mailroom-database-password
openssl rand -hex 24 | keep prefect-database-password
openssl rand -hex 24 | keep redis-password
# Opens /metrics for a scraper, and nothing else.
openssl rand -hex 32 | keep metrics-token
# What Prefect's API asks everybody for: a name and a password.
echo "mailroom:$(openssl rand -hex 24)" | keep prefect-login
echo "postgresql://mailroom:$(cat mailroom-database-password)@$postgres/mailroom" | keep mailroom-database-url
echo "postgresql://prefect:$(cat prefect-database-password)@$postgres/prefect" | keep prefect-database-url
echo "redis://:$(cat redis-password)@$redis/0" | keep redis-url
