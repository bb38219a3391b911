#!/bin/sh
# Run by the image of Postgres when its folder is empty: make both accounts and databases.
set -eu
psql --username "$POSTGRES_USER" --dbname postgres --quiet \
  -v mailroom_password="$(cat /run/secrets/mailroom-database-password)" \
  -v prefect_password="$(cat /run/secrets/prefect-database-password)" \
  -f /opt/databases.sql
