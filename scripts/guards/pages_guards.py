"""The guards of pages: what they ask before they do it, what they do once, and what runs or is framed nowhere."""

from __future__ import annotations

from scripts.guards.guards import Guard

_API = "tests/integration/api"
_QUICK = (f"{_API}/schedule_page/test_quick_actions.py",)
_RUNS = (f"{_API}/schedule_page/test_runs.py",)
_LIST = (f"{_API}/schedules/test_list_page.py",)
_PAGES = (f"{_API}/pages/test_security_pages.py",)
_BROWSER = (f"{_API}/login/test_security_browser.py",)
_NOTICES = (f"{_API}/login/test_notices.py",)
_REPORTS = (f"{_API}/things/test_report_pages.py",)
_WIZARD = (f"{_API}/wizard/test_data_and_recipients.py",)
_FORMS = ("tests/unit/api/web/test_forms.py",)
_REFUSALS = ("tests/unit/api/web/test_refusals.py",)

_ETAG = "visitor.caller, schedule_id, remember, if_match=form.etag"
_CONFIRM = "api/web/schedule/confirm.py"
_ACTIONS = "api/web/schedule/routes.py"


def _stale(verb: str) -> Guard:
    return Guard(
        f"a stale {verb} by its page is refused",
        "Who has not seen the last change of a schedule is shown it before anything is done.",
        _ACTIONS,
        f"changes.{verb}({_ETAG})",
        f"changes.{verb}(visitor.caller, schedule_id, remember, if_match=None)",
        _QUICK,
    )


PAGES_GUARDS = (
    *(_stale(verb) for verb in ("pause", "resume", "delete", "undelete")),
    Guard(
        "a stale run by its page is refused",
        "Nothing goes to whom the page that asked has not named.",
        _CONFIRM,
        "visitor.caller, schedule_id, ExecutionKind.RUN_NOW, remember, if_match=form.etag",
        "visitor.caller, schedule_id, ExecutionKind.RUN_NOW, remember",
        _QUICK,
    ),
    Guard(
        "a form does it once",
        "A double click, or a reload of a sent form, does nothing more.",
        "api/web/once.py",
        "    return Once(visitor.caller, key[:200] if key else None, digest.hexdigest())\n",
        "    return Once(visitor.caller, None, digest.hexdigest())\n",
        _QUICK,
    ),
    Guard(
        "an undo ends with what came after",
        "A notice undoes what it tells of, and nothing that was done later.",
        "api/web/schedule/doing.py",
        "    await _close_undos(visitor, schedule_id)\n",
        "",
        _QUICK,
    ),
    Guard(
        "the page before a run asks for the right to run",
        "Who may only look is not asked.",
        _CONFIRM,
        "schedule_id, doing=Action.SCHEDULE_RUN)\n    silent",
        "schedule_id)\n    silent",
        _PAGES,
    ),
    Guard(
        "the page before a retry asks for the right to retry",
        "Who sees a shared run is not offered a retry.",
        "api/web/execution/asking.py",
        "await refusal(visitor.caller, execution_id)",
        "None",
        _PAGES,
    ),
    Guard(
        "the page before a correction asks for the right to correct",
        "Who sees a shared run is not offered a correction.",
        "api/web/execution/asking.py",
        "    _require(visitor, Action.EXECUTION_CORRECT, detail)\n",
        "",
        _PAGES,
    ),
    Guard(
        "the page before a missed run asks for the right to backfill",
        "Who sees a shared run is not offered to run it.",
        "api/web/execution/asking.py",
        "    _require(visitor, Action.SCHEDULE_BACKFILL, detail)\n",
        "",
        _PAGES,
    ),
    Guard(
        "many are asked for before they are sent",
        "A run of many schedules, or another owner, is confirmed on a page that says whom it reaches.",
        "api/web/schedules/bulk.py",
        '    if action in _ASKS and not form.has("confirmed"):\n',
        "    if False:\n",
        _LIST,
    ),
    Guard(
        "many are done once",
        "The second click on a form of many does nothing.",
        "api/web/schedules/bulk.py",
        '    given = "".join(one for one in form.text("key") if one.isalnum() or one == "-")[:100] or new_id()\n',
        "    given = new_id()\n",
        _LIST,
    ),
    Guard(
        "the notice of many closes with its undo",
        "What was undone is not offered to be undone again.",
        "api/web/schedules/bulk.py",
        '    await _close(visitor, form.text("of"))\n',
        "",
        _LIST,
    ),
    Guard(
        "a notice is told in its own session",
        "What somebody does in one browser is not told in another.",
        "mailroom/members/notices.py",
        ".where(WebSession.id == session_id)",
        ".where(WebSession.ended_at.is_(None)).order_by(WebSession.created_at).limit(1)",
        _NOTICES,
    ),
    Guard(
        "an undo is offered until its time",
        "No page offers to undo what cannot be undone any more.",
        "mailroom/members/notices.py",
        '    return not notice.get("until") or datetime.fromisoformat(notice["until"]) > now\n',
        "    return True\n",
        _NOTICES,
    ),
    Guard(
        "notices are few",
        "A session does not grow with what is done in it.",
        "mailroom/members/notices.py",
        "notice][-MOST:]",
        "notice]",
        _NOTICES,
    ),
    Guard(
        "a form has a bounded number of fields",
        "Nobody keeps the server busy by a form of a million fields.",
        "api/web/forms.py",
        ", max_num_fields=_MOST)",
        ")",
        _FORMS,
    ),
    Guard(
        "a form has no NUL",
        "What Postgres cannot store is refused with words.",
        "api/web/forms.py",
        '    if any("\\0" in name or "\\0" in value for name, value in pairs):\n',
        "    if False:\n",
        _FORMS,
    ),
    Guard(
        "the name of a field goes not too deep",
        "A name makes no data that is deeper than the server can walk.",
        "api/web/forms.py",
        " or len(steps) > _DEEPEST",
        "",
        _FORMS,
    ),
    Guard(
        "nobody frames us unless named",
        "Only the sites in the settings show our pages in a frame.",
        "api/http/browser/headers.py",
        "    allowed = settings.frame_ancestors or \"'none'\"\n",
        '    allowed = settings.frame_ancestors or "*"\n',
        _BROWSER,
    ),
    Guard(
        "cookies for frames need https",
        "Without https a browser drops such a cookie, and others could overhear it.",
        "api/http/browser/cookies.py",
        "    framed = secure and bool(settings.frame_ancestors)\n",
        "    framed = bool(settings.frame_ancestors)\n",
        _BROWSER,
    ),
    Guard(
        "cookies come along only where frames are allowed",
        "Elsewhere a browser sends them with no request that another site causes.",
        "api/http/browser/cookies.py",
        "    framed = secure and bool(settings.frame_ancestors)\n",
        "    framed = secure\n",
        _BROWSER,
    ),
    Guard(
        "a framed log-in is partitioned",
        "The frame of one product does not share the log-in of another.",
        "api/http/browser/cookies.py",
        'header + b"; Partitioned"',
        "header",
        _BROWSER,
    ),
    Guard(
        "the preview of a report is sandboxed",
        "Nothing in the data of a report runs as a page of ours.",
        "api/web/report/routes.py",
        "    policy = f\"{SANDBOX['Content-Security-Policy']}; {around}\"\n",
        "    policy = around\n",
        _REPORTS,
    ),
    Guard(
        "the previews of the wizard are sandboxed",
        "Nothing in the data or in the mail runs as a page of ours.",
        "api/http/sandbox.py",
        '    policy = SANDBOX["Content-Security-Policy"]\n',
        "    policy = \"default-src 'self'\"\n",
        _WIZARD,
    ),
    Guard(
        "a file that a run made is data",
        "A file that is opened from the page of a run has none of the rights of our pages.",
        "api/web/execution/routes.py",
        '    headers = {**SANDBOX, "Cache-Control": "private, no-store"}\n',
        '    headers = {"Cache-Control": "private, no-store"}\n',
        _RUNS,
    ),
    Guard(
        "the picture of a report asks",
        "The picture of a report is shown to whoever may see its data.",
        "api/actions/reports/pictures.py",
        "report_id, viewer=caller.viewer, doing=Action.REPORT_PREVIEW)",
        "report_id, viewer=SYSTEM, doing=Action.REPORT_PREVIEW)",
        _PAGES,
    ),
    Guard(
        "a picture is cached for its reader",
        "No cache on the way gives the picture to others.",
        "api/web/report/picture.py",
        '_PICTURE, _SKETCH = "private, max-age=600"',
        '_PICTURE, _SKETCH = "public, max-age=600"',
        _REPORTS,
    ),
    Guard(
        "refusals are in the words of pages",
        "No page names a REST path, a setting or a command.",
        "api/web/refusals.py",
        '    return " ".join(one for one in _SENTENCE_END.split(text) if not _NOT_FOR_PAGES.search(one)).strip()\n',
        "    return text\n",
        _REFUSALS,
    ),
    Guard(
        "a refusal of many names no REST path",
        "The page that tells what failed is for people.",
        "api/web/schedules/saying.py",
        "refusals.for_pages(one.why)",
        "one.why",
        _LIST,
    ),
)
