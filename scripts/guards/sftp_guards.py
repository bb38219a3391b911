"""The guards of SFTP: who the server is, what the other side of a file's name may be, and whether all of it arrived."""

from __future__ import annotations

from scripts.guards.guards import Guard

_BLOCKS = "tests/integration/blocks/sftp"
_KEYS = (f"{_BLOCKS}/test_host_key_and_login.py",)
_PLACES = (f"{_BLOCKS}/test_placing.py",)
_CHANNEL = "blocks/prefect_mailroom/channels/sftp"
_REMOTE = "blocks/prefect_mailroom/channels/remote"

SFTP_GUARDS = (
    Guard(
        "a server's key is compared",
        "Nothing is sent to a server whose key nobody confirmed.",
        f"{_CHANNEL}/session.py",
        "            if fingerprint(key.asbytes()) in {pinned.fingerprint for pinned in server.host_keys}:\n",
        "            if True:\n",
        _KEYS,
    ),
    Guard(
        "old algorithms are not offered",
        "SHA-1, CBC and MD5 protect nothing.",
        f"{_CHANNEL}/session.py",
        "    options.ciphers, options.digests, options.key_types = _CIPHERS, _MACS, types\n",
        "    options.key_types = types\n",
        _KEYS,
    ),
    Guard(
        "the agent is the operator's",
        "Who may make a connection does not log in with the keys of the worker's account.",
        f"{_CHANNEL}/login.py",
        '    if os.environ.get(AGENT_VARIABLE, "").lower() != "true":\n',
        "    if False:\n",
        _KEYS,
    ),
    Guard(
        "each write is confirmed",
        "A disk that was full for a moment leaves no hole in a file of the right size.",
        f"{_CHANNEL}/client.py",
        "    file.set_pipelined(False)\n",
        "",
        _PLACES,
    ),
    Guard(
        "links on a server are resolved",
        "A link on the server leads no file out of the connection's folder.",
        f"{_CHANNEL}/folder.py",
        "        if not real.is_relative_to(self._root):\n",
        "        if False:\n",
        _PLACES,
    ),
    Guard(
        "a file gets its name when its size is right",
        "Half a file is never seen.",
        f"{_REMOTE}/upload.py",
        "        if (found := folder.size(part.temporary)) != part.file.size:\n",
        "        if (found := folder.size(part.temporary)) == -2:\n",
        _PLACES,
    ),
    Guard(
        "a lost rename is looked after",
        "A rename whose answer was lost makes no second copy.",
        f"{_REMOTE}/upload.py",
        "        if part.was_asked and folder.size(part.temporary) is None:\n",
        "        if False:\n",
        _PLACES,
    ),
    Guard(
        "a forked child has no sessions",
        "Two processes never write to one encrypted stream.",
        f"{_REMOTE}/sessions.py",
        "os.register_at_fork(after_in_child=KEPT.forget)\n",
        "",
        (f"{_BLOCKS}/test_sessions.py",),
    ),
)
