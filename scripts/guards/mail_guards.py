"""The guards of mails: who of a group gets one, and what its headers and parts keep apart."""

from __future__ import annotations

from scripts.guards.guards import Guard

_GROUP = ("tests/integration/passes/test_mail_to_a_group.py",)
_MESSAGE = ("tests/unit/blocks/email/test_message.py",)
_TEXTS = ("tests/unit/blocks/email/test_texts.py",)
_PARTS = ("tests/unit/blocks/email/test_parts.py",)
_EMAIL = "blocks/prefect_mailroom/channels/email"

MAIL_GUARDS = (
    Guard(
        "an attempt asks who of a group gets anything",
        "Nothing is sent to a member of a group who is suppressed or has unsubscribed.",
        "mailroom/passes/deliver.py",
        "(nobody := await self._left_out.ask(session, delivery, standing.owner))",
        "(nobody := None)",
        _GROUP,
    ),
    Guard(
        "who has unsubscribed is no member of a group either",
        "A schedule that sends to a group later reaches nobody who has unsubscribed from it.",
        "mailroom/passes/planned/group.py",
        "unsubscribed=one in gone",
        "unsubscribed=False",
        _GROUP,
    ),
    Guard(
        "the last look at a group",
        "Whoever is suppressed while the far side lets us wait gets nothing.",
        "mailroom/passes/deliver.py",
        "        self._left_out.require_as_taken(delivery)\n",
        "        pass\n",
        _GROUP,
    ),
    Guard(
        "an address for unsubscribing is one header",
        "It cannot add another header to the mail.",
        f"{_EMAIL}/message.py",
        "        _require_plain_address(parcel.unsubscribe_url)\n",
        "        pass\n",
        _MESSAGE,
    ),
    Guard(
        "a group has no address for unsubscribing",
        "One reader of a group cannot unsubscribe another.",
        f"{_EMAIL}/message.py",
        '    if parcel.unsubscribe_url and destination.each == "recipient":\n',
        "    if parcel.unsubscribe_url:\n",
        _MESSAGE,
    ),
    Guard(
        "a hidden recipient is named nowhere",
        "The line about a mail does not name a recipient who stands in no header.",
        f"{_EMAIL}/texts/footer.py",
        "    reader = _short(parcel.recipient) if is_open else ",
        "    reader = _short(parcel.recipient) if True else ",
        _TEXTS,
    ),
    Guard(
        "files of one name are told apart by their content",
        "Nobody gets the file of another report that has the same name.",
        f"{_EMAIL}/mime/parts.py",
        "    key = (file.sha256, file.size, name, ",
        "    key = (name, ",
        _PARTS,
    ),
)
