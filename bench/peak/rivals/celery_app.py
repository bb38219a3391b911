"""Report schedules with Celery, as people write them: a poll each minute, a task for each due schedule, autoretry.

It renders through our renderers, which share what is asked for twice at the same time, and keeps the files of a report
for those that come later. It has no ledger and no receipts, and nothing against sending twice: after a crash between
the mail and the acknowledgement the task is run again, and the mail sent again.
"""

from __future__ import annotations

import asyncio
import os
import smtplib
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from celery import Celery
from celery.schedules import crontab
from sqlalchemy import JSON, DateTime, Engine, create_engine, event, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from mailroom.rendering import client
from mailroom.rendering.job import RenderJob, RenderResult
from mailroom.reports.parameters import resolve_parameters
from mailroom.reports.spec import ReportDefinition
from mailroom.settings import current
from prefect_mailroom.errors import MailroomError

# The bench sets these; without them the module can be imported, but nothing can be run.
RESULT = "result.json"
BROKER, DATABASE = os.environ.get("RIVAL_BROKER", ""), os.environ.get("RIVAL_DATABASE", "")

app = Celery("reports", broker=BROKER)
app.conf.update(
    timezone="UTC",
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    beat_schedule={"poll": {"task": "poll_due_schedules", "schedule": crontab()}},
)


class Base(DeclarativeBase):
    """The rival's tables."""


class Due(Base):
    """A schedule: whom to send which report, and when next."""

    __tablename__ = "due_schedules"
    id: Mapped[int] = mapped_column(primary_key=True)
    recipient: Mapped[str]
    report: Mapped[dict[str, Any]] = mapped_column(JSON)
    next_run_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    last_sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


@cache
def engine() -> Engine:
    """One a process."""
    made = create_engine(DATABASE, pool_pre_ping=True)
    if made.dialect.name == "sqlite":

        @event.listens_for(made, "connect")
        def _tune(connection: Any, _record: Any) -> None:
            for pragma in ("journal_mode=WAL", "busy_timeout=15000", "synchronous=FULL"):
                connection.execute(f"PRAGMA {pragma}")

    return made


def utc(moment: datetime) -> datetime:
    """Return a time from the database in UTC; SQLite returns it without a zone."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


@app.task(name="poll_due_schedules")  # type: ignore[untyped-decorator]  # Celery has no types
def poll_due_schedules() -> None:
    """Hand everything that is due to the workers, and move it on by a day."""
    handed = []
    with Session(engine()) as session, session.begin():
        query = select(Due).where(Due.next_run_at <= datetime.now(UTC)).with_for_update(skip_locked=True)
        for row in session.scalars(query):
            handed.append((row.id, utc(row.next_run_at).isoformat()))
            row.next_run_at = utc(row.next_run_at) + timedelta(days=1)
    for schedule_id, due_at in handed:
        send_report.delay(schedule_id, due_at)


@app.task(  # type: ignore[untyped-decorator]  # as above
    name="send_report",
    autoretry_for=(smtplib.SMTPException, OSError, MailroomError),
    retry_backoff=True,
    retry_backoff_max=600,
    retry_jitter=True,
    max_retries=8,
)
def send_report(schedule_id: int, due_at: str) -> None:
    """Render and send one schedule's report."""
    with Session(engine()) as session:
        due = session.get_one(Due, schedule_id)
        recipient, definition = due.recipient, due.report
    folder = rendered(definition, datetime.fromisoformat(due_at))
    mail = message(recipient, definition["title"], folder)
    with smtplib.SMTP("127.0.0.1", int(os.environ["RIVAL_SMTP_PORT"]), timeout=60) as smtp:
        smtp.send_message(mail)
    with Session(engine()) as session, session.begin():
        session.execute(update(Due).where(Due.id == schedule_id).values(last_sent_at=datetime.now(UTC)))


def rendered(definition: dict[str, Any], due_at: datetime) -> Path:
    """The folder of a report's files, made by the first who needs it and kept for the others."""
    root = Path(os.environ["RIVAL_FILES"])
    kept = root / f"{definition['id']}-{due_at:%Y%m%dT%H%M}"
    if not kept.exists():
        report = ReportDefinition.model_validate(definition)
        making = Path(mkdtemp(dir=root))
        job = RenderJob(
            definition=report,
            parameters=resolve_parameters(report.parameters, {}, due_at, "UTC"),
            formats=report.formats,
            due_at=due_at,
            timezone="UTC",
            access={"kind": "sql", "url": os.environ["RIVAL_FLIGHTS"], "statement_timeout": 60},
            folder=making,
        )
        result = asyncio.run(client.render(job, settings=current()))
        (making / RESULT).write_text(result.model_dump_json())
        # Where somebody was faster, theirs stays; the files are the same.
        with suppress(OSError):
            making.rename(kept)
    return kept


def message(recipient: str, title: str, folder: Path) -> EmailMessage:
    """The mail: text, HTML with its pictures, and the files."""
    result = RenderResult.model_validate_json((folder / RESULT).read_bytes())
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "bench@example.com", recipient, title
    mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain="example.com")
    mail.set_content(result.mail_text)
    mail.add_alternative(result.mail_html, subtype="html")
    html = mail.get_body(("html",))
    assert html is not None, "it was added above"
    for name, picture in result.mail_images.items():
        html.add_related((folder / picture.name).read_bytes(), "image", "png", cid=f"<{name}>")
    for file in result.files:
        kind, _, subtype = file.media_type.partition("/")
        data = (folder / file.path.name).read_bytes()
        mail.add_attachment(data, kind, subtype, filename=file.filename)
    return mail
