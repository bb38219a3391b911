"""The guards of Google Cloud Storage: who gets tokens, what is written once, and whether all of it arrived."""

from __future__ import annotations

from scripts.guards.guards import Guard

_TESTS = "tests/integration/blocks/gcs"
_CHANNEL = "blocks/prefect_mailroom/channels/gcs"
_IDENTITIES = (f"{_TESTS}/test_identities.py",)
_UPLOADS = (f"{_TESTS}/test_uploads.py",)
_KEYS = ("tests/unit/blocks/gcs/test_key.py",)

GCS_GUARDS = (
    Guard(
        "what a key signs goes to Google",
        "A key whose address of tokens somebody changed is not used.",
        f"{_CHANNEL}/key.py",
        "    if not _is_googles(address):\n",
        "    if False:\n",
        _KEYS,
    ),
    Guard(
        "tokens go to trusted hosts",
        "A connection shows its identity to nobody but Google, and whom the operator names.",
        f"{_CHANNEL}/bucket.py",
        "    if not is_trusted(host):\n",
        "    if False:\n",
        _IDENTITIES,
    ),
    Guard(
        "the machine is its operator's",
        "Who may make a connection does not send as the machine.",
        f"{_CHANNEL}/bucket.py",
        "        identity.refuse_unless_allowed()\n",
        "        pass\n",
        _IDENTITIES,
    ),
    Guard(
        "an upload is led nowhere else",
        "A store that names another address of an upload gets neither the token nor the content there.",
        f"{_CHANNEL}/wire/session.py",
        "        if (parts.hostname, port) != self._target or not is_encrypted or parts.username is not None:\n",
        "        if False:\n",
        _IDENTITIES,
    ),
    Guard(
        "the environment has no say",
        "No proxy of the machine reads what is sent.",
        f"{_CHANNEL}/wire/session.py",
        "    session.trust_env = False\n",
        "",
        _IDENTITIES,
    ),
    Guard(
        "the store itself writes once",
        "Of two writers at the same moment none loses its object.",
        f"{_CHANNEL}/store.py",
        '            asked["if_generation_match"] = 0\n',
        "            pass\n",
        _UPLOADS,
    ),
    Guard(
        "the checksum travels along",
        "Content that was changed on its way never appears.",
        f"{_CHANNEL}/store.py",
        'checksum="crc32c", ',
        "checksum=None, ",
        _UPLOADS,
    ),
    Guard(
        "a large upload names its checksum",
        "Nothing becomes of a large upload that was changed on its way.",
        f"{_CHANNEL}/resumable.py",
        ', "x-goog-hash": f"crc32c={checksum}"}',
        "}",
        _UPLOADS,
    ),
    Guard(
        "an upload goes on",
        "A bad connection does not have to last for the whole of a file.",
        f"{_CHANNEL}/resumable.py",
        "            answer = connected.retry()(_ask)(connected, address, source.size)\n",
        "            raise\n",
        _UPLOADS,
    ),
    Guard(
        "an upload that fails is ended",
        "The store keeps no half of a file.",
        f"{_CHANNEL}/store.py",
        "            self._end_uploads()\n",
        "",
        _UPLOADS,
    ),
    Guard(
        "a store that names a time is not asked before it",
        "A busy store gets the time that it asks for.",
        f"{_CHANNEL}/wire/client.py",
        "response.status_code in BUSY and retry_after(response) is None\n",
        "response.status_code in BUSY\n",
        _UPLOADS,
    ),
    Guard(
        "the client asks for nothing else",
        "No thread of the client's own asks for facts that nobody needs, with rights that nobody gave.",
        f"{_CHANNEL}/wire/client.py",
        "        self.client._bucket_metadata_cache = None\n",
        "",
        _UPLOADS,
    ),
)
