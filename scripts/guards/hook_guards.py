"""The guards of webhooks, commands and folders."""

from __future__ import annotations

from scripts.guards.guards import Guard

_CHANNELS = "blocks/prefect_mailroom/channels"
_HARD = ("tests/integration/blocks/command/test_hard_cases.py",)
_EXPECTATION = ("tests/unit/blocks/webhook/test_expectation.py",)
_ANSWERS = ("tests/integration/blocks/webhook/test_answers.py",)
_SHARES = ("tests/integration/blocks/test_folder_shares.py",)

HOOK_GUARDS = (
    Guard(
        "the operator allows each program",
        "Whoever may edit a connection runs nothing that the operator does not know.",
        f"{_CHANNELS}/command/allowed.py",
        "    if program not in allowed_programs():\n",
        "    if False:\n",
        _HARD,
    ),
    Guard(
        "a program is looked at before it is saved",
        "A connection to a program that is not allowed is not stored.",
        f"{_CHANNELS}/command/channel.py",
        '        """Refuse a program that the operator does not allow."""\n        permit(self.program)\n',
        '        """Refuse a program that the operator does not allow."""\n',
        ("tests/integration/api/test_security_targets.py",),
    ),
    Guard(
        "no value becomes an option",
        "A report's name is no option of the program that gets it.",
        f"{_CHANNELS}/command/arguments.py",
        '    if result.startswith("-") and not template.startswith("-"):\n',
        "    if False:\n",
        _HARD,
    ),
    Guard(
        "a program gets copies",
        "A program changes nothing of ours, and sees what was rendered.",
        f"{_CHANNELS}/command/files.py",
        "    if digest.hexdigest() != file.sha256:\n",
        "    if False:\n",
        _HARD,
    ),
    Guard(
        "a program does not get the worker's keys",
        "What the worker's environment holds is not handed down.",
        "blocks/prefect_mailroom/programs/running.py",
        '        *(f"unset -v {name}" for name in withheld),\n',
        "",
        _HARD,
    ),
    Guard(
        "no part of a secret is left where output is cut",
        "The rest of a secret at the edge of what is kept of a program's output is not told.",
        "blocks/prefect_mailroom/programs/running.py",
        "        text = text[longest:]\n",
        "        pass\n",
        ("tests/integration/blocks/test_shell_source.py",),
    ),
    Guard(
        "a program's memory has a limit",
        "A program does not take the worker's memory.",
        "blocks/prefect_mailroom/programs/running.py",
        '        *([f"ulimit -v {limits.memory_mb * 1024}"] if limits.memory_mb else []),\n',
        "",
        _HARD,
    ),
    Guard(
        "nothing is fetched for a schema",
        "The schema of an answer leads nowhere, and does not grow by references to references.",
        f"{_CHANNELS}/webhook/schema.py",
        "        if any(isinstance(part, dict) and _REFERENCES & part.keys() for part in level):\n",
        "        if False:\n",
        _EXPECTATION,
    ),
    Guard(
        "a schema is not deep",
        "A schema that is deep is refused before a library walks down it.",
        f"{_CHANNELS}/webhook/schema.py",
        "    if level:\n",
        "    if False:\n",
        _EXPECTATION,
    ),
    Guard(
        "patterns match in linear time",
        "No pattern in the schema of an answer keeps the worker busy.",
        f"{_CHANNELS}/webhook/schema.py",
        "pattern_options=jsonschema_rs.RegexOptions(), ",
        "",
        _EXPECTATION,
    ),
    Guard(
        "an answer that says no is no delivery",
        "A good status alone is not enough where the answer is checked.",
        f"{_CHANNELS}/webhook/channel.py",
        "        judge(content, self._host, destination.expect)\n",
        "",
        _ANSWERS,
    ),
    Guard(
        "an answer that is long is not checked in part",
        "What was not read says nothing.",
        f"{_CHANNELS}/webhook/answers.py",
        "    if not content.whole:\n",
        "    if False:\n",
        _ANSWERS,
    ),
    Guard(
        "no secret comes back as an id",
        "An endpoint that gives back what it was told brings no secret into a receipt.",
        f"{_CHANNELS}/webhook/channel.py",
        '            given = ""  # Some endpoints give back what they were told.\n',
        "            pass\n",
        _ANSWERS,
    ),
    Guard(
        "what is stored is read back",
        "A disk that does not keep what it is given is no success.",
        f"{_CHANNELS}/folder/channel.py",
        "        if _digest_as_stored(part.descriptor) != file.sha256:\n",
        "        if False:\n",
        _SHARES,
    ),
    Guard(
        "a share that hangs gets no more threads",
        "A dead share does not take all that the worker has.",
        f"{_CHANNELS}/folder/threads.py",
        "        if self._left_behind >= MOST_LEFT_BEHIND:\n",
        "        if False:\n",
        _SHARES,
    ),
)
