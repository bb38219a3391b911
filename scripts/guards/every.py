"""Every guard that is watched, room by room."""

from __future__ import annotations

from scripts.guards.access_guards import ACCESS_GUARDS
from scripts.guards.alert_guards import ALERT_GUARDS
from scripts.guards.azure_guards import AZURE_GUARDS
from scripts.guards.breaker_guards import BREAKER_GUARDS
from scripts.guards.code_guards import CODE_GUARDS
from scripts.guards.condition_guards import CONDITION_GUARDS
from scripts.guards.connection_guards import CONNECTION_GUARDS
from scripts.guards.deletion_guards import DELETION_GUARDS
from scripts.guards.draft_guards import DRAFT_GUARDS
from scripts.guards.ftp_guards import FTP_GUARDS
from scripts.guards.gcs_guards import GCS_GUARDS
from scripts.guards.guards import GUARDS
from scripts.guards.health_guards import HEALTH_GUARDS
from scripts.guards.hook_guards import HOOK_GUARDS
from scripts.guards.host_guards import HOST_GUARDS
from scripts.guards.incident_guards import INCIDENT_GUARDS
from scripts.guards.input_guards import INPUT_GUARDS
from scripts.guards.level_guards import LEVEL_GUARDS
from scripts.guards.limit_guards import LIMIT_GUARDS
from scripts.guards.link_guards import LINK_GUARDS
from scripts.guards.login_guards import LOGIN_GUARDS
from scripts.guards.mail_guards import MAIL_GUARDS
from scripts.guards.notification_guards import NOTIFICATION_GUARDS
from scripts.guards.pages_guards import PAGES_GUARDS
from scripts.guards.production_guards import PRODUCTION_GUARDS
from scripts.guards.recipient_guards import RECIPIENT_GUARDS
from scripts.guards.retention_guards import RETENTION_GUARDS
from scripts.guards.s3_guards import S3_GUARDS
from scripts.guards.sftp_guards import SFTP_GUARDS
from scripts.guards.telling_guards import TELLING_GUARDS
from scripts.guards.trail_guards import TRAIL_GUARDS
from scripts.guards.upload_guards import UPLOAD_GUARDS

EVERY_GUARD = (
    *GUARDS,
    *ACCESS_GUARDS,
    *ALERT_GUARDS,
    *AZURE_GUARDS,
    *BREAKER_GUARDS,
    *CODE_GUARDS,
    *CONDITION_GUARDS,
    *CONNECTION_GUARDS,
    *DELETION_GUARDS,
    *DRAFT_GUARDS,
    *FTP_GUARDS,
    *GCS_GUARDS,
    *HEALTH_GUARDS,
    *HOOK_GUARDS,
    *HOST_GUARDS,
    *INCIDENT_GUARDS,
    *INPUT_GUARDS,
    *LEVEL_GUARDS,
    *LIMIT_GUARDS,
    *LINK_GUARDS,
    *LOGIN_GUARDS,
    *MAIL_GUARDS,
    *NOTIFICATION_GUARDS,
    *PAGES_GUARDS,
    *PRODUCTION_GUARDS,
    *RECIPIENT_GUARDS,
    *RETENTION_GUARDS,
    *S3_GUARDS,
    *SFTP_GUARDS,
    *TELLING_GUARDS,
    *TRAIL_GUARDS,
    *UPLOAD_GUARDS,
)
