"""The one table of who may do what: action × role × relation. docs/access.md is made from it, and tests are too.

Every route names its action (`api.http.permission.may`), and the functions that work on one thing ask for it again with
the relation of the caller to that thing. What a caller may not see answers as if it did not exist; what the caller may
see and not do is `Forbidden`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mailroom.roles import Role, Scope


class Relation(StrEnum):
    """The relation of a caller to a thing.

    none: the action is about no single thing, such as a list. own: the thing is the caller's. shared: it is shared with
    the caller, the caller's team or role, or it belongs to the installation and is open to all who create. same_team:
    it belongs to a member of the caller's team. other_team: it is somebody else's.
    """

    NONE = "none"
    OWN = "own"
    SHARED = "shared"
    SAME_TEAM = "same_team"
    OTHER_TEAM = "other_team"


class Action(StrEnum):
    """Everything that a caller can ask for; the part before the dot names the kind of thing."""

    SCHEDULE_LIST = "schedule.list"
    SCHEDULE_READ = "schedule.read"
    SCHEDULE_LOAD = "schedule.load"
    SCHEDULE_PREVIEW = "schedule.preview"
    SCHEDULE_CREATE = "schedule.create"
    SCHEDULE_CHANGE = "schedule.change"
    SCHEDULE_DELETE = "schedule.delete"
    SCHEDULE_PAUSE = "schedule.pause"
    SCHEDULE_RESUME = "schedule.resume"
    SCHEDULE_TEST = "schedule.test"
    SCHEDULE_RUN = "schedule.run"
    SCHEDULE_BACKFILL = "schedule.backfill"
    SCHEDULE_SHARE = "schedule.share"
    SCHEDULE_BULK = "schedule.bulk"
    SCHEDULE_REASSIGN = "schedule.reassign"
    SCHEDULE_OWN = "schedule.own"
    VIEW_LIST = "view.list"
    VIEW_SAVE = "view.save"
    VIEW_DELETE = "view.delete"
    DRAFT_LIST = "draft.list"
    DRAFT_READ = "draft.read"
    DRAFT_CREATE = "draft.create"
    DRAFT_CHANGE = "draft.change"
    DRAFT_DELETE = "draft.delete"
    DRAFT_ACTIVATE = "draft.activate"
    TEMPLATE_LIST = "template.list"
    TEMPLATE_READ = "template.read"
    TEMPLATE_CREATE = "template.create"
    TEMPLATE_CHANGE = "template.change"
    TEMPLATE_SHARE = "template.share"
    TEMPLATE_DELETE = "template.delete"
    EXECUTION_LIST = "execution.list"
    EXECUTION_READ = "execution.read"
    EXECUTION_RETRY = "execution.retry"
    EXECUTION_CORRECT = "execution.correct"
    DELIVERY_LIST = "delivery.list"
    DELIVERY_RETRY = "delivery.retry"
    STOP_LIST = "stop.list"
    STOP_SET = "stop.set"
    STOP_LIFT = "stop.lift"
    ARTIFACT_DOWNLOAD = "artifact.download"
    REPORT_LIST = "report.list"
    REPORT_READ = "report.read"
    REPORT_PREVIEW = "report.preview"
    REPORT_CREATE = "report.create"
    REPORT_CHANGE = "report.change"
    REPORT_DELETE = "report.delete"
    REPORT_DEFINE_SQL = "report.define_sql"
    REPORT_DEFINE_SHELL = "report.define_shell"
    CONNECTION_LIST = "connection.list"
    CONNECTION_KINDS = "connection.kinds"
    CONNECTION_USE = "connection.use"
    CONNECTION_CHECK = "connection.check"
    CONNECTION_USES = "connection.uses"
    CONNECTION_TRY = "connection.try"
    CONNECTION_READ = "connection.read"
    CONNECTION_CREATE = "connection.create"
    CONNECTION_CHANGE = "connection.change"
    CONNECTION_DELETE = "connection.delete"
    CONNECTION_GRANT = "connection.grant"
    CALENDAR_LIST = "calendar.list"
    CALENDAR_READ = "calendar.read"
    CALENDAR_CREATE = "calendar.create"
    CALENDAR_CHANGE = "calendar.change"
    CALENDAR_DELETE = "calendar.delete"
    CODE_READ = "code.read"
    CODE_APPLY = "code.apply"
    NOTIFICATION_LIST = "notification.list"
    NOTIFICATION_MARK = "notification.mark"
    NOTIFICATION_MARK_ALL = "notification.mark_all"
    NOTIFICATION_MUTES = "notification.mutes"
    NOTIFICATION_MUTE = "notification.mute"
    ALERT_LIST = "alert.list"
    ALERT_TEST = "alert.test"
    INCIDENT_LIST = "incident.list"
    INCIDENT_READ = "incident.read"
    INCIDENT_ACKNOWLEDGE = "incident.acknowledge"
    INCIDENT_MUTE = "incident.mute"
    RECIPIENT_READ = "recipient.read"
    RECIPIENT_REMOVE = "recipient.remove"
    RECIPIENT_ERASE = "recipient.erase"
    SAMPLE_REMOVE = "sample.remove"
    SUPPRESSION_LIST = "suppression.list"
    SUPPRESSION_ADD = "suppression.add"
    SUPPRESSION_CHANGE = "suppression.change"
    SUPPRESSION_REMOVE = "suppression.remove"
    PRODUCT_EVENT_LIST = "product_event.list"
    PRODUCT_EVENT_RETRY = "product_event.retry"
    AUDIT_LIST = "audit.list"
    AUDIT_EXPORT = "audit.export"
    STATS_READ = "stats.read"
    METRICS_READ = "metrics.read"
    USER_LIST = "user.list"
    USER_READ = "user.read"
    USER_CREATE = "user.create"
    USER_CHANGE = "user.change"
    USER_DISABLE = "user.disable"
    USER_ACT_FOR = "user.act_for"
    USER_PASSWORD = "user.password"  # noqa: S105  It is the name of a permission.
    USER_LINK = "user.link"
    USER_PREFER = "user.prefer"
    TEAM_LIST = "team.list"
    TEAM_READ = "team.read"
    TEAM_CREATE = "team.create"
    TEAM_CHANGE = "team.change"
    TEAM_DELETE = "team.delete"
    LIMIT_LIST = "limit.list"
    LIMIT_READ = "limit.read"
    KEY_LIST = "key.list"
    KEY_CREATE = "key.create"
    KEY_CHANGE = "key.change"
    KEY_REVOKE = "key.revoke"
    SESSION_LIST = "session.list"
    SESSION_END = "session.end"
    SESSION_END_OWN = "session.end_own"


Relations = frozenset[Relation]
_NOBODY: Relations = frozenset()
_NO_THING: Relations = frozenset({Relation.NONE})
_OWN: Relations = frozenset({Relation.OWN})
_SHARED: Relations = frozenset({Relation.SHARED})
_SEEN = _OWN | _SHARED
_TEAM = _OWN | {Relation.SAME_TEAM}
_ALL: Relations = frozenset(Relation) - _NO_THING


@dataclass(frozen=True, slots=True)
class Rule:
    """Say who may do an action: the relations in which each role may do it.

    Attributes:
        scope: the least scope that a key needs for it.
        grantable: whether a user can be given it besides what the role gives (`users.grants`).
        unroutable: whether no route of its own asks for it in REST, but other actions do within their work, or a page.
    """

    scope: Scope
    viewer: Relations
    creator: Relations
    admin: Relations
    grantable: bool = False
    unroutable: bool = False

    def relations(self, role: Role) -> Relations:
        """Return the relations in which a role may do it."""
        match role:
            case Role.VIEWER:
                return self.viewer
            case Role.CREATOR:
                return self.creator
            case Role.ADMIN:
                return self.admin


def _owned(creator: Relations = _OWN, viewer: Relations = _NOBODY, scope: Scope = Scope.WRITE) -> Rule:
    return Rule(scope, viewer, creator, _ALL)


def _general(*, viewer: bool = False, creator: bool = True, scope: Scope = Scope.WRITE) -> Rule:
    return Rule(scope, _NO_THING if viewer else _NOBODY, _NO_THING if creator else _NOBODY, _NO_THING)


_R, _W, _A = Scope.READ, Scope.WRITE, Scope.ADMIN
_READ = _owned(_SEEN, _SEEN, _R)
_LIST = _general(viewer=True, scope=_R)
_ADMIN = _general(creator=False, scope=_A)
_ADMIN_OF = _owned(_NOBODY, scope=_A)

TABLE: Mapping[Action, Rule] = {
    Action.SCHEDULE_LIST: _LIST,
    Action.SCHEDULE_READ: _READ,
    Action.SCHEDULE_LOAD: _LIST,
    Action.SCHEDULE_PREVIEW: _general(scope=_R),
    Action.SCHEDULE_CREATE: _general(),
    Action.SCHEDULE_CHANGE: _owned(),
    Action.SCHEDULE_DELETE: _owned(),
    Action.SCHEDULE_PAUSE: _owned(),
    Action.SCHEDULE_RESUME: _owned(),
    Action.SCHEDULE_TEST: _owned(),
    Action.SCHEDULE_RUN: _owned(),
    Action.SCHEDULE_BACKFILL: _owned(),
    Action.SCHEDULE_SHARE: _owned(),
    Action.SCHEDULE_BULK: _general(),
    Action.SCHEDULE_REASSIGN: Rule(_A, _NOBODY, _NOBODY, _ALL, unroutable=True),
    # Asked again when a run sends.
    Action.SCHEDULE_OWN: Rule(_R, _NOBODY, _OWN, _OWN, unroutable=True),
    # Saved views are everybody's own; they change nothing for others, so the narrowest scope is enough.
    Action.VIEW_LIST: _LIST,
    Action.VIEW_SAVE: _LIST,
    Action.VIEW_DELETE: Rule(_R, _OWN, _OWN, _OWN),
    Action.DRAFT_LIST: _general(scope=_R),
    Action.DRAFT_READ: _owned(scope=_R),
    Action.DRAFT_CREATE: _general(),
    Action.DRAFT_CHANGE: _owned(),
    Action.DRAFT_DELETE: _owned(),
    # The schedule belongs to who activates the draft, so an admin activates no other's.
    Action.DRAFT_ACTIVATE: Rule(_W, _NOBODY, _OWN, _OWN),
    Action.TEMPLATE_LIST: _general(scope=_R),
    Action.TEMPLATE_READ: _owned(_SEEN, scope=_R),
    Action.TEMPLATE_CREATE: _general(),
    Action.TEMPLATE_CHANGE: _owned(),
    Action.TEMPLATE_SHARE: _owned(),
    Action.TEMPLATE_DELETE: _owned(),
    Action.EXECUTION_LIST: _LIST,
    Action.EXECUTION_READ: _READ,
    Action.EXECUTION_RETRY: _owned(),
    Action.EXECUTION_CORRECT: _owned(),
    Action.DELIVERY_LIST: _LIST,
    # Each execution is asked for as by `execution.retry`.
    Action.DELIVERY_RETRY: _general(),
    Action.STOP_LIST: _general(creator=False, scope=_R),
    Action.STOP_SET: _ADMIN,
    Action.STOP_LIFT: _ADMIN,
    Action.ARTIFACT_DOWNLOAD: _READ,
    Action.REPORT_LIST: _general(scope=_R),
    Action.REPORT_READ: _owned(_SEEN, scope=_R),
    Action.REPORT_PREVIEW: _owned(_SEEN, scope=_R),
    Action.REPORT_CREATE: _general(),
    Action.REPORT_CHANGE: _owned(),
    Action.REPORT_DELETE: _owned(),
    Action.REPORT_DEFINE_SQL: Rule(_W, _NOBODY, _NOBODY, _NO_THING, grantable=True, unroutable=True),
    Action.REPORT_DEFINE_SHELL: Rule(_W, _NOBODY, _NOBODY, _NO_THING, grantable=True, unroutable=True),
    Action.CONNECTION_LIST: _general(scope=_R),
    Action.CONNECTION_KINDS: _general(scope=_R),
    # Asked when a schedule or a report is saved, and again when a run sends.
    Action.CONNECTION_USE: Rule(_R, _NOBODY, _SHARED, _ALL, unroutable=True),
    Action.CONNECTION_CHECK: _owned(_SHARED),
    # Named are the schedules and reports that the caller sees; the others are counted.
    Action.CONNECTION_USES: _owned(_SHARED, scope=_R),
    # The connection is named in the body.
    Action.CONNECTION_TRY: _general(),
    Action.CONNECTION_READ: _owned(_NOBODY, scope=_R),
    Action.CONNECTION_CREATE: _ADMIN,
    Action.CONNECTION_CHANGE: _ADMIN_OF,
    Action.CONNECTION_DELETE: _ADMIN_OF,
    Action.CONNECTION_GRANT: _ADMIN_OF,
    Action.CALENDAR_LIST: _general(scope=_R),
    Action.CALENDAR_READ: _owned(_SHARED, scope=_R),
    Action.CALENDAR_CREATE: _ADMIN,
    Action.CALENDAR_CHANGE: _ADMIN_OF,
    Action.CALENDAR_DELETE: _ADMIN_OF,
    Action.CODE_READ: _general(scope=_R),
    Action.CODE_APPLY: _general(),
    # Like saved views, what somebody has read or muted changes nothing for others, so the narrowest scope is enough.
    Action.NOTIFICATION_LIST: _LIST,
    Action.NOTIFICATION_MARK: Rule(_R, _OWN, _OWN, _OWN),
    Action.NOTIFICATION_MARK_ALL: _LIST,
    Action.NOTIFICATION_MUTES: _LIST,
    Action.NOTIFICATION_MUTE: _LIST,
    # Listed are the alerts to the caller; an admin sees all.
    Action.ALERT_LIST: _LIST,
    Action.ALERT_TEST: _ADMIN,
    Action.INCIDENT_LIST: _LIST,
    # The owner's team is told as well, so it may look, and take note of it. Shared are those about a shared schedule.
    Action.INCIDENT_READ: _owned(_SEEN | _TEAM, _SEEN | _TEAM, _R),
    Action.INCIDENT_ACKNOWLEDGE: _owned(_TEAM),
    Action.INCIDENT_MUTE: _owned(_TEAM),
    # Its schedules and deliveries are those that the caller sees.
    Action.RECIPIENT_READ: _LIST,
    # Each schedule is asked for as by `schedule.change`.
    Action.RECIPIENT_REMOVE: _general(),
    Action.RECIPIENT_ERASE: _ADMIN,
    # Only a page asks for it.
    Action.SAMPLE_REMOVE: Rule(_A, _NOBODY, _NOBODY, _NO_THING, unroutable=True),
    Action.SUPPRESSION_LIST: _general(creator=False, scope=_R),
    Action.SUPPRESSION_ADD: _ADMIN,
    Action.SUPPRESSION_CHANGE: _ADMIN_OF,
    Action.SUPPRESSION_REMOVE: _ADMIN_OF,
    # They tell of schedules of everybody, without asking who sees them.
    Action.PRODUCT_EVENT_LIST: _general(creator=False, scope=_R),
    Action.PRODUCT_EVENT_RETRY: _ADMIN_OF,
    Action.AUDIT_LIST: _general(scope=_R),
    Action.AUDIT_EXPORT: _general(creator=False, scope=_R),
    Action.STATS_READ: _LIST,
    Action.METRICS_READ: _general(creator=False, scope=_R),
    Action.USER_LIST: _LIST,
    Action.USER_READ: _owned(_TEAM, _OWN, _R),
    Action.USER_CREATE: _ADMIN,
    Action.USER_CHANGE: _ADMIN_OF,
    Action.USER_DISABLE: _ADMIN_OF,
    Action.USER_ACT_FOR: Rule(_A, _NOBODY, _NOBODY, _ALL, unroutable=True),
    # Everybody's own alone: admins make links for others. Like the end of a session, it is about one's own log-in.
    Action.USER_PASSWORD: Rule(_R, _OWN, _OWN, _OWN),
    Action.USER_LINK: _ADMIN_OF,
    Action.USER_PREFER: Rule(_R, _OWN, _OWN, _OWN),
    Action.TEAM_LIST: _LIST,
    Action.TEAM_READ: _owned(_OWN, _OWN, _R),
    Action.TEAM_CREATE: _ADMIN,
    Action.TEAM_CHANGE: _ADMIN_OF,
    Action.TEAM_DELETE: _ADMIN_OF,
    Action.LIMIT_LIST: _LIST,
    # Whose limits are asked for stands in the query.
    Action.LIMIT_READ: Rule(_R, _OWN, _OWN, _ALL, unroutable=True),
    Action.KEY_LIST: _LIST,
    Action.KEY_CREATE: _general(),
    Action.KEY_CHANGE: _owned(),
    Action.KEY_REVOKE: _owned(),
    Action.SESSION_LIST: _LIST,
    Action.SESSION_END: _owned(_OWN, _OWN, _R),
    Action.SESSION_END_OWN: _LIST,
}

DEFINES = {"sql": Action.REPORT_DEFINE_SQL, "shell": Action.REPORT_DEFINE_SHELL}
"""The kinds of sources whose reports run what their author writes, and what their author needs."""
GRANTABLE = tuple(action for action, rule in TABLE.items() if rule.grantable)


def allows(action: Action, role: Role, relation: Relation) -> bool:
    """Tell whether a role may do an action to a thing in this relation. Pure."""
    return relation in TABLE[action].relations(role)


def allows_any(action: Action, role: Role) -> bool:
    """Tell whether there is a relation in which a role may do an action. Pure."""
    return bool(TABLE[action].relations(role))
