"""The guards of S3: where it connects, as whom, and that an object is written once and whole."""

from __future__ import annotations

from scripts.guards.guards import Guard

_TESTS = "tests/integration/blocks/s3"
_GUARD = (f"{_TESTS}/test_guard.py",)
_IDENTITIES = (f"{_TESTS}/test_identities.py",)
_PARTS = (f"{_TESTS}/test_parts.py",)
_SETTINGS = ("tests/unit/blocks/s3/test_settings.py",)
_CHANNEL = "blocks/prefect_mailroom/channels/s3"
_OBJECTS = "blocks/prefect_mailroom/channels/objects"

S3_GUARDS = (
    Guard(
        "S3 connects through the guard",
        "A name that leads inside, or a region that does, is refused at the connection itself.",
        f"{_CHANNEL}/wire/client.py",
        '        client.meta.events.register("before-send", sender.send)\n',
        "",
        _GUARD,
    ),
    Guard(
        "plain HTTP is for the operator's hosts",
        "Files do not travel unencrypted to wherever a user says.",
        f"{_OBJECTS}/reach.py",
        "    if is_plain and not all(outbound.is_opened(host, address) for address in addresses):\n",
        "    if False:\n",
        _GUARD,
    ),
    Guard(
        "S3 takes nothing from the machine",
        "Variables and profiles of the worker's account have no say in a connection with keys.",
        f"{_CHANNEL}/wire/client.py",
        '    session.register_component("config_store", ConfigValueStore(mapping=settings))\n',
        "",
        _IDENTITIES,
    ),
    Guard(
        "a key is used alone",
        "A connection with a key never signs as the machine.",
        f"{_CHANNEL}/wire/login.py",
        "    if not bucket.uses_machine:\n",
        "    if False:\n",
        _IDENTITIES,
    ),
    Guard(
        "the machine's identity is the operator's",
        "Who may make a connection does not send as the worker's machine.",
        f"{_OBJECTS}/identity.py",
        "    if not may_be_used():\n",
        "    if False:\n",
        _SETTINGS,
    ),
    Guard(
        "the machine's identity stays with AWS",
        "No other endpoint is asked in the name of the machine, unless the operator names it.",
        f"{_CHANNEL}/bucket.py",
        '    if not bucket.is_aws and host not in os.environ.get(HOSTS_VARIABLE, "").replace(",", " ").split():\n',
        "    if False:\n",
        _SETTINGS,
    ),
    Guard(
        "credentials that have ended are renewed",
        "A role outlives its credentials in the middle of an upload.",
        f"{_CHANNEL}/wire/requests.py",
        "                if not (renewals_left and _has_ended(error) and self._credentials.renew(signed_with)):\n",
        "                if True:\n",
        _IDENTITIES,
    ),
    Guard(
        "an object in parts is written once",
        "A writer that was faster while parts were sent loses nothing.",
        f"{_CHANNEL}/multipart.py",
        '{"Parts": told}, **whole, **asked_once\n',
        '{"Parts": told}, **whole\n',
        _PARTS,
    ),
    Guard(
        "parts of a failed upload are ended",
        "Nothing is left that is paid for and that nobody sees.",
        f"{_CHANNEL}/multipart.py",
        "        except BaseException:\n            self._end(upload)\n            raise\n",
        "        except BaseException:\n            raise\n",
        _PARTS,
    ),
    Guard(
        "parts of an attempt at work are left alone",
        "Two attempts to write one name do not end each other.",
        f"{_CHANNEL}/multipart.py",
        '            if upload["Key"] == self._key and upload["Initiated"] < before:\n',
        '            if upload["Key"] == self._key:\n',
        _PARTS,
    ),
    Guard(
        "the last bytes leave only if all are right",
        "A file that changed on the disk never becomes an object.",
        f"{_OBJECTS}/source.py",
        "        if (is_over or not count) and not (\n",
        "        if False and not (\n",
        ("tests/unit/blocks/objects/test_source.py",),
    ),
)
