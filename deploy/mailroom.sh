#!/bin/sh
# Run a command of Mailroom as its services run, for root: /usr/local/sbin/mailroom doctor
#
# The command has the account, the settings and the secrets of the services. Copies of the secrets are made for as long
# as it runs, in a folder in memory that only this account can enter.
set -eu
umask 077
secrets=/etc/mailroom/secrets
settings=/etc/mailroom/mailroom.env
[ "$(id -u)" = 0 ] || { echo "Run this as root: it reads the secrets of the installation." >&2; exit 1; }
copies=$(mktemp -d /run/mailroom.XXXXXX)
trap 'rm -rf "$copies"' EXIT
trap 'exit 130' HUP INT TERM

while IFS= read -r line || [ -n "$line" ]; do
  case $line in
    [A-Z]*=\"*\") name=${line%%=*} value=${line#*=\"}; export "$name=${value%\"}" ;;
    [A-Z]*=*) export "${line?}" ;;
  esac
done <"$settings"

give() { # give VARIABLE NAME: the command reads this secret from a copy
  install -m 0400 -o mailroom -g mailroom "$secrets/$2" "$copies/$2"
  export "$1_FILE=$copies/$2"
}
give MAILROOM_DATABASE_URL mailroom-database-url
give MAILROOM_PREFECT_DATABASE_URL prefect-database-url
give PREFECT_API_AUTH_STRING prefect-login
give PREFECT_SERVER_ENCRYPTION_KEY prefect-encryption-key
give MAILROOM_API_KEY api-key
give MAILROOM_KEY_PEPPER key-pepper
give MAILROOM_AUDIT_KEY audit-key
give MAILROOM_IDENTITY_KEY identity-key
give MAILROOM_LINK_KEY link-key
give MAILROOM_METRICS_TOKEN metrics-token
chown mailroom:mailroom "$copies"

# The audit trail names who was at the terminal.
[ -z "${SUDO_USER:-}" ] || export LOGNAME="$SUDO_USER"
export HOME=/var/lib/mailroom MAILROOM_DATA_DIR=/var/lib/mailroom PYTHONUTF8=1 PYTHONDONTWRITEBYTECODE=1
setpriv --reuid mailroom --regid mailroom --init-groups --no-new-privs /opt/mailroom/.venv/bin/mailroom "$@"
