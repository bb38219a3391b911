"""What Prefect imports at start (entry point `prefect.collections`): every block type, and the worker type.

`prefect block register -m prefect_mailroom.collection` registers what stands here.
"""

from prefect_mailroom.channels.email.channel import EmailChannel
from prefect_mailroom.channels.folder import FolderChannel
from prefect_mailroom.channels.webhook.channel import WebhookChannel
from prefect_mailroom.sources.http import HttpSource
from prefect_mailroom.sources.shell import ShellSource
from prefect_mailroom.sources.sql import SqlSource
from prefect_mailroom.worker.warm import WarmWorker

__all__ = ["EmailChannel", "FolderChannel", "HttpSource", "ShellSource", "SqlSource", "WarmWorker", "WebhookChannel"]
