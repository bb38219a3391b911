"""The guards of Azure Blob Storage: where tokens go, that blobs are written once, and that no two of them are mixed."""

from __future__ import annotations

from scripts.guards.guards import Guard

_BLOCKS = "tests/integration/blocks/azure"
_IDENTITIES = (f"{_BLOCKS}/test_identities.py",)
_OBJECTS = (f"{_BLOCKS}/test_objects.py",)
_CONTAINER = ("tests/unit/blocks/azure/test_container.py",)
_SAS = ("tests/unit/blocks/azure/test_sas.py", "tests/unit/blocks/azure/test_settings.py")
_CHANNEL = "blocks/prefect_mailroom/channels/azure"

AZURE_GUARDS = (
    Guard(
        "tokens of Azure go to Azure's hosts alone",
        "Whoever may make a connection cannot have the machine's token sent to a host of their own.",
        f"{_CHANNEL}/container.py",
        "    if not found:\n",
        "    found = found or _PUBLIC_LOGIN\n    if not found:\n",
        _CONTAINER,
    ),
    Guard(
        "tokens of Azure are encrypted",
        "Nobody on the way reads a token.",
        f"{_CHANNEL}/container.py",
        "    if container.is_plain:\n",
        "    if False:\n",
        _CONTAINER,
    ),
    Guard(
        "the managed identity is the operator's",
        "Whoever may make a connection does not send as the machine.",
        f"{_CHANNEL}/container.py",
        "        identity.refuse_unless_allowed()\n",
        "        pass\n",
        _CONTAINER,
    ),
    Guard(
        "applications log in through the guard",
        "Where tokens come from is reached like any other target.",
        f"{_CHANNEL}/wire/transport.py",
        "        self.poolmanager = guarded.guard(manager, guarded.pools(self._links))\n",
        "        self.poolmanager = manager\n",
        _IDENTITIES,
    ),
    Guard(
        "a redirect of Azure is not followed",
        "An answer does not choose where a SAS token goes.",
        f"{_CHANNEL}/wire/client.py",
        "        permit_redirects=False,\n",
        "",
        _OBJECTS,
    ),
    Guard(
        "a SAS token is kept out of logs",
        "Who reads a log cannot write into the container.",
        f"{_CHANNEL}/wire/transport.py",
        'logging.getLogger("urllib3.connectionpool").addFilter(_without_signature)\n',
        "",
        _IDENTITIES,
    ),
    Guard(
        "a SAS token is kept out of errors",
        "What the client raises has the address of the request, with the token.",
        f"{_CHANNEL}/wire/faults.py",
        "    if problem is not None:\n        raise problem from None\n",
        "        raise problem\n",
        _IDENTITIES,
    ),
    Guard(
        "a SAS token that is over is not used",
        "The message names the day on which it ended.",
        f"{_CHANNEL}/sas.py",
        "    if sas.ends is not None and sas.ends <= now:\n",
        "    if False:\n",
        _SAS,
    ),
    Guard(
        "a blob in blocks is written once",
        "Of two writers of one name, one is told that the other was faster.",
        f"{_CHANNEL}/store.py",
        '        condition: dict[str, Any] = {"match_condition": MatchConditions.IfMissing} if once else {}\n',
        "        condition: dict[str, Any] = {}\n",
        _OBJECTS,
    ),
    Guard(
        "blocks are named for their attempt",
        "Two writers of one name do not mix their content.",
        f"{_CHANNEL}/blocks.py",
        '            name = f"{attempt}{len(blocks):016d}"\n',
        '            name = f"{len(blocks):048d}"\n',
        _OBJECTS,
    ),
    Guard(
        "Azure's client tries nothing again by itself",
        "A lost answer is found out by a look; a second request would hide whose blob is there.",
        f"{_CHANNEL}/wire/client.py",
        "        retry_total=0,\n",
        "",
        _OBJECTS,
    ),
)
