"""The guards of recipients, of keys that change, of identities and of connections that are being made."""

from __future__ import annotations

from scripts.guards.guards import Guard

_API = "tests/integration/api/access"
_PEOPLE = (f"{_API}/test_recipients.py",)
_CHANGED = (f"{_API}/test_changing_keys.py",)
_SUPPRESSED = ("tests/integration/passes/test_suppressed_recipients.py",)
_LEFT_OUT = ("tests/unit/passes/test_left_out.py",)
_SPEC = ("tests/unit/recipients/test_spec.py",)
_AS_OWNER = ("tests/unit/rendering/test_as_owner.py",)
_HALF = ("tests/integration/api/test_connections_half_made.py",)

RECIPIENT_GUARDS = (
    Guard(
        "an attempt asks whether the address gets anything",
        "Nothing is sent to an address that was suppressed after the run began.",
        "mailroom/passes/deliver.py",
        "may_get(delivery.recipient, standing.suppression, ",
        "may_get(delivery.recipient, None, ",
        _SUPPRESSED,
    ),
    Guard(
        "a domain counts for its addresses",
        "A whole domain can be suppressed.",
        "mailroom/recipients/spec.py",
        '    return [recipient.lower(), f"@{domain}"] if at else []\n',
        "    return [recipient.lower()] if at else []\n",
        _SPEC,
    ),
    Guard(
        "case does not matter for a suppression",
        "However an address was typed, nothing is sent to it.",
        "mailroom/recipients/spec.py",
        "    return mail_address(address).lower()\n",
        "    return mail_address(address)\n",
        _SPEC,
    ),
    Guard(
        "nothing is sent to an erased address",
        "A retry of an old execution finds nobody to send to.",
        "mailroom/passes/gate.py",
        "    if is_erased(recipient):\n",
        "    if False:\n",
        _LEFT_OUT,
    ),
    Guard(
        "nobody misses what is left out",
        "A suppressed recipient makes no execution fail, and so suspends no schedule.",
        "mailroom/passes/outcome.py",
        "delivery.status is DeliveryState.SUPPRESSED and delivery.reason_code in LEFT_OUT",
        "False",
        _LEFT_OUT,
    ),
    Guard(
        "a suppressed address is refused when it is saved",
        "Nobody adds an address that asked for nothing more.",
        "mailroom/schedules/checks.py",
        "    if not known_recipients:\n",
        "    if False:\n",
        _PEOPLE,
    ),
    Guard(
        "a trial asks the list",
        "A test mail is a mail.",
        "api/actions/distribution/actions.py",
        '    await refuse_suppressed(session, target.addresses(), field="to")\n',
        "    pass\n",
        _PEOPLE,
    ),
    Guard(
        "the schedules of a person are filtered by their viewer",
        "An address tells nothing of the schedules of others.",
        "mailroom/recipients/repository.py",
        "where(sends_to(address), there, of_schedules(viewer))",
        "where(sends_to(address), there)",
        _PEOPLE,
    ),
    Guard(
        "the list is an admin's",
        "Who asked for nothing more is shown to nobody else.",
        "mailroom/recipients/repository.py",
        "    return true() if viewer.sees_all else false()\n",
        "    return true()\n",
        _PEOPLE,
    ),
    Guard(
        "an address in use is not erased",
        "A schedule that sends to an address is changed first, by an audited change.",
        "mailroom/recipients/erase.py",
        "    await database.transact(lambda session: _refuse_in_use(session, address))\n",
        "",
        _PEOPLE,
    ),
    Guard(
        "only the whole address is erased",
        "An address that contains another one stays.",
        "mailroom/recipients/erase.py",
        "(?<![A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-])",
        "",
        _SPEC,
    ),
    Guard(
        "a key is never widened",
        "A change of a key gives it no more than it had.",
        "mailroom/members/keys.py",
        "    if not row.scope.covers(wanted.scope):\n",
        "    if False:\n",
        _CHANGED,
    ),
    Guard(
        "a narrow key keeps no wide one alive",
        "A key changes none that gives more than itself.",
        "mailroom/members/keys.py",
        "    if not own.covers(wanted.scope):\n",
        "    if False:\n",
        _CHANGED,
    ),
    Guard(
        "no key lives for ever",
        "A change gives no key a longer life than a new one could have.",
        "mailroom/members/keys.py",
        "    if wanted.expires_at > row.created_at + timedelta(days=context.settings.key_days):\n",
        "    if False:\n",
        _CHANGED,
    ),
    Guard(
        "an ended key stays ended",
        "A revoked key is not brought back.",
        "mailroom/members/keys.py",
        "    if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= context.now):\n",
        "    if False:\n",
        _CHANGED,
    ),
    Guard(
        "what varies by owner is rendered for each",
        "No owner gets the rows of another.",
        "mailroom/rendering/service.py",
        "        if self.owner is not None:\n",
        "        if False:\n",
        _AS_OWNER,
    ),
    Guard(
        "report and connection agree on the identity",
        "A source that is read for a user is never read for nobody.",
        "mailroom/rendering/as_owner.py",
        "    if wants != varies_by_user(definition):\n",
        "    if False:\n",
        _AS_OWNER,
    ),
    Guard(
        "an identity ends",
        "A token that is found later is worth nothing.",
        "mailroom/access/identity.py",
        '"exp": now + VALID_FOR',
        '"exp": now + 9999 * VALID_FOR',
        ("tests/unit/access/test_identity.py",),
    ),
    Guard(
        "a connection that is being made is not deleted",
        "No block is left that nobody knows of.",
        "mailroom/connections/service.py",
        "    if not row.is_made and context.now - row.updated_at < _BEING_MADE:\n",
        "    if False:\n",
        _HALF,
    ),
    Guard(
        "a connection that was never made overwrites no block",
        "A block of that name in Prefect is somebody else's.",
        "mailroom/connections/service.py",
        "    if is_made:\n",
        "    if True:\n",
        _HALF,
    ),
    Guard(
        "a connection that is gone leaves no block",
        "Whoever made the block removes it when the row has vanished.",
        "api/actions/connections/actions.py",
        "        if block_id is not None:\n",
        "        if False:\n",
        _HALF,
    ),
)
