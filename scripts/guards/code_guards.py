"""The guards of objects as code: what would be deleted, overwritten, taken over or told by applying documents."""

from __future__ import annotations

from scripts.guards.guards import Guard

_APPLY = ("tests/integration/api/as_code/test_apply.py",)
_BROKEN_OFF = ("tests/integration/api/as_code/test_broken_off.py",)
_HALF_MADE = ("tests/integration/api/test_connections_half_made.py",)
_DOCUMENTS = ("tests/unit/as_code/test_documents.py",)
_FOLDERS = ("tests/unit/as_code/test_folders.py",)

CODE_GUARDS = (
    Guard(
        "a dry run changes nothing",
        "What only looks stores nothing.",
        "api/actions/apply/actions.py",
        "    if wanted.dry_run or (change.outcome",
        "    if (change.outcome",
        _APPLY,
    ),
    Guard(
        "a preview is a dry run",
        "A key that may only read changes nothing by asking for a preview.",
        "api/rest/apply/routes.py",
        'wanted.model_copy(update={"dry_run": True})',
        "wanted",
        _APPLY,
    ),
    Guard(
        "nothing is deleted while a document fails",
        "What was renamed in the code does not go before the new one is there.",
        "api/actions/apply/actions.py",
        "        Result(one, faults=[_NOT_PRUNED]) if failed else await",
        "        await",
        _APPLY,
    ),
    Guard(
        "an emptied folder takes nothing with it",
        "Without a limit, at most half of a bundle is deleted.",
        "mailroom/as_code/prune.py",
        "    if limit is None and len(going) * 2 <= count:\n",
        "    if limit is None:\n",
        _APPLY,
    ),
    Guard(
        "the limit of prune holds",
        "No more is deleted than somebody has allowed.",
        "mailroom/as_code/prune.py",
        "    if limit is not None and len(going) <= limit:\n",
        "    if limit is not None:\n",
        _APPLY,
    ),
    Guard(
        "only what somebody applied is pruned for them",
        "Nobody hears of what others have applied to a bundle of the same name.",
        "mailroom/as_code/repository.py",
        "        query = query.where(CodeMark.applied_by == email)\n",
        "        pass\n",
        _APPLY,
    ),
    Guard(
        "what does not come from code is not overwritten",
        "An object that people made, or another bundle, is taken over only where that is asked for.",
        "mailroom/as_code/plan.py",
        "    if wanted.adopt or (mark is None and not differ):\n",
        "    if True:\n",
        _APPLY,
    ),
    Guard(
        "a name of somebody else is told in the plan",
        "A dry run does not promise what will be refused, nor name the other one.",
        "mailroom/as_code/plan.py",
        "    if read.key in wanted.taken:\n",
        "    if False:\n",
        _APPLY,
    ),
    Guard(
        "a change in between is not overwritten",
        "The plan holds for the version that it has seen.",
        "api/actions/apply/doing.py",
        "        await schedules.replace(session, found.entity_id, wanted.spec, context, if_match=etag)\n",
        "        await schedules.replace(session, found.entity_id, wanted.spec, context, if_match=None)\n",
        _APPLY,
    ),
    Guard(
        "a mark is a change",
        "Who may not change an object does not become the one who applied it.",
        "api/actions/apply/actions.py",
        "    return change.by_hand and refusal_of(",
        "    return change.by_hand or refusal_of(",
        _APPLY,
    ),
    Guard(
        "of two who apply at once one makes the object",
        "The mark of a bundle is not moved to a second schedule of the same name.",
        "mailroom/as_code/repository.py",
        "        if other is not None and other.state is not ScheduleState.DELETED:\n",
        "        if False:\n",
        _APPLY,
    ),
    Guard(
        "documents at which two meet are looked at once more",
        "An apply that follows one that was killed succeeds while the API still works on the first.",
        "api/actions/apply/actions.py",
        "met_another=type(error) is Conflict)",
        "met_another=False)",
        _APPLY,
    ),
    Guard(
        "a connection that was never made counts as not there",
        "Where the API was killed while it made one, the next apply makes it.",
        "api/actions/apply/observing.py",
        "[row for row in rows if row.is_made]",
        "list(rows)",
        _HALF_MADE,
    ),
    Guard(
        "no secret in a document",
        "A password that stands in a file is refused, and not repeated.",
        "mailroom/as_code/secrets/places.py",
        '        if secret and not is_reference(value) and value not in (None, "", {}):\n',
        "        if False:\n",
        _DOCUMENTS,
    ),
    Guard(
        "no file from outside the folder",
        "A document does not send the server what lies elsewhere on the machine.",
        "cli/commands/as_code/files.py",
        "    if not file.resolve().is_relative_to(folder.resolve()):\n",
        "    if False:\n",
        _DOCUMENTS,
    ),
    Guard(
        "one document an object",
        "Of two files of one object, the last one does not win.",
        "cli/commands/as_code/files.py",
        "            if before is not one:\n",
        "            if False:\n",
        _FOLDERS,
    ),
    Guard(
        "a mistyped document prunes nothing",
        "A document that does not say which object it is might be the one that would be deleted.",
        "cli/commands/as_code/commands.py",
        ", *(nameless(found.sources) if pruning else [])]",
        "]",
        _BROKEN_OFF,
    ),
    Guard(
        "what was done is told",
        "Where the connection breaks off, people see what has changed already.",
        "cli/commands/as_code/commands.py",
        "            if items:\n",
        "            if False:\n",
        _BROKEN_OFF,
    ),
)
