"""Give the settings of channels, connections and destinations their labels, hints and the words of their choices.

A setting that is not named here has the title, description and values of its schema.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from api.web import refusals

LABELS: Mapping[str, str] = {
    "access_key_id": "ID of the access key",
    "account": "Storage account",
    "account_key": "Key of the storage account",
    "allow_plain": "Allow a connection without verified encryption",
    "answer_schema": "JSON Schema of the answer",
    "attach": "Files",
    "auth": "Log in by",
    "auth_header": "Header of the key",
    "auth_secret": "Token, password or key",
    "auth_user": "User name",
    "authority": "Address of the log-in service",
    "base_url": "Base address",
    "bcc": "Bcc",
    "body": "What the mail shows",
    "bucket": "Bucket",
    "ca_certificates": "Further certificates to trust",
    "cc": "Cc",
    "client_id": "Application (client) ID",
    "compress": "Send one zip archive instead of the single files",
    "credentials": "Mail server",
    "container": "Container",
    "delays": "Seconds before each further try",
    "disposition": "What a browser does with a link to it",
    "each": "Mails",
    "encryption": "Encryption in the store",
    "encryption_scope": "Encryption scope",
    "endpoint": "Address of the store",
    "environment": "Environment variables",
    "equals": "Value that it must have",
    "expect": "The answer that counts as a yes",
    "folder": "Folder on the server",
    "external_id": "External ID",
    "from_address": "Sender's address",
    "from_name": "Sender's name",
    "host": "Server",
    "host_key": "Key of the server",
    "id_header": "Header with the receipt's ID",
    "id_pointer": "Place of the receipt's ID in the answer",
    "if_exists": "If the file exists",
    "kms_key": "Key of the key service",
    "links_from": "Links lead to files in",
    "make_folders": "Make missing folders",
    "max_attachment_mb": "Largest size of the attachments, in MB",
    "max_bytes": "Largest answer, in bytes",
    "max_cpu_seconds": "Most seconds a process may compute",
    "max_file_mb": "Largest file, in MB",
    "max_memory_mb": "Most memory of a process, in MB",
    "max_per_second": "Most deliveries a second",
    "max_sessions": "Most deliveries at once",
    "oauth": "Log in by tokens",
    "metadata": "Facts that are kept with each file",
    "path": "Path",
    "payload": "What is posted",
    "pointer": "Place in the answer",
    "prefix": "Folder inside",
    "previous_signing_secret": "Previous signing secret",
    "reply_to": "Answers go to",
    "retries": "Further tries",
    "retry_exit_codes": "Exit codes after which it is tried again",
    "root": "Folder",
    "second_server": "Second mail server",
    "role_arn": "ARN of the role",
    "sas_token": "SAS token",
    "secret_access_key": "Secret of the access key",
    "service_account": "Address of the service account",
    "service_account_key": "Key of the service account",
    "smtp_port": "Port",
    "smtp_server": "Server",
    "smtp_type": "Encryption",
    "status": "Statuses that say yes",
    "storage_class": "Storage class",
    "subject": "Subject",
    "tags": "Tags",
    "tenant": "Directory (tenant) ID",
    "tenant_id": "Directory (tenant) ID",
    "text": "Text",
    "then_every": "Seconds between all tries after those",
    "third_server": "Third mail server",
    "thread": "Conversations",
    "timeout_seconds": "Seconds that one try may take",
    "to": "To",
    "token_url": "Address that gives tokens",
    "url": "Address",
    "use_agent": "Log in by the SSH agent of the worker",
    "username": "User name",
    "verify": "Check the server's certificate",
    "write_once": "Let the store refuse what exists already",
}

_MORE = "One a line."
HINTS: Mapping[str, str] = {
    "auth_header": "For an API key or a secret in a header.",
    "auth_user": "For a user name and password.",
    "answer_schema": "A JSON Schema that the answer has to fit, of at most 16 kB and without references.",
    "arguments": f"{_MORE} {{files}} becomes an argument for each file; one with {{file}} or {{file_name}} in it is "
    "repeated for each file. No shell reads them.",
    "auth": "",
    "body": "",
    "attach": "",
    "bucket": "Enter its name. Or fill in what is below, and have those listed that may be.",
    "compress": "",
    "container": "Enter its name. Or fill in what is below, and have those listed that may be.",
    "delays": f"{_MORE} 1 to 20 of them, each from 1 to 86,400 (24 hours).",
    "each": "",
    "disposition": "",
    "external_id": "Leave it empty if the role asks for none.",
    "environment": "One a line, as NAME=value. The values are kept secret.",
    "encryption": "",
    "identity:choice": "",
    "if_exists": "",
    "links_from": "An object store keeps the files and signs links to them, which anybody can use who has one.",
    "max_per_second": "Over all processes; 0.1 is one every 10 seconds. Leave it empty for no limit.",
    "metadata": "One a line, as name=value. Mailroom adds the key of the delivery, the checksum and the due time.",
    "oauth": "Exchange Online and Gmail take tokens in place of a password.",
    "password": "Leave it empty if the login needs none.",
    "path": "Below the connection's folder. With several formats it needs {ext} or {file_name}.",
    "payload": "",
    "prefix": "All files are below it, such as reports/2026. Leave it empty for none.",
    "retries": "When a delivery that failed is tried again.",
    "security": "",
    "sas_token": "",
    "secret_access_key": "",
    "smtp_port": "Leave it empty for the usual one.",
    "smtp_server": "The name of the mail server, such as smtp.example.org.",
    "smtp_type": "",
    "tags": "One a line, as name=value. The store's own rules choose files by them, such as to remove them later.",
    "text": "Stands before the report's own text, such as a greeting. Variables work here as well; a brace itself is "
    "written {{ or }}.",
    "then_every": "Leave it empty to give up after the last of them.",
    "thread": "",
    "use_agent": "Works where the operator allows it.",
    "username": "Leave it empty if the server wants no login.",
    "verify": "",
}

OPTIONS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "attach": {
        "attachment": ("Attached", "Each file is attached to the mail."),
        "inline": ("Shown in the mail", "Pictures and HTML are shown in the mail, others attached."),
        "link": ("Link only", "The mail has links to the files."),
        "none": ("No files", "The mail has its text alone."),
    },
    "auth": {
        "none": ("Nothing", ""),
        "bearer": ("Bearer token", ""),
        "basic": ("User name and password", ""),
        "api_key": ("API key in a header", ""),
        "header": ("Secret in a header", ""),
    },
    "body": {
        "full": ("Summary with figures, charts and first rows", ""),
        "light": ("Figures and tables, without pictures", "For old mail programs."),
        "text": ("Plain text", ""),
    },
    "disposition": {
        "attachment": ("Saves the file", ""),
        "inline": ("Shows the file", ""),
    },
    "each": {
        "recipient": ("A mail of their own for everybody", ""),
        "group": ("One mail to all of them at once", "Everybody in To and Cc sees the others."),
    },
    "encryption": {
        "bucket": ("As the bucket does", ""),
        "s3": ("With keys of S3 (SSE-S3)", ""),
        "kms": ("With a key of the key service (SSE-KMS)", ""),
    },
    "identity": {
        "role": ("A role that is assumed", ""),
        "machine": ("The machine that Mailroom runs on", "Works where the operator allows it."),
        "impersonate": ("A service account that is impersonated", ""),
        "managed": ("The managed identity of the machine", "Works where the operator allows it."),
        "principal": ("An application (service principal)", ""),
        "sas": ("A shared access signature (SAS token)", ""),
        "keys": ("An access key", ""),
        "key": ("The key of an account", ""),
    },
    "if_exists": {
        "overwrite": ("Replace it", ""),
        "timestamp": ("Keep both", "The due time is added to the new file's name."),
        "fail": ("Stop", "The delivery is refused, and the file stays as it is."),
    },
    "payload": {
        "facts": ("Facts about the report", "JSON, without the files."),
        "link": ("Facts with a download link to each file", ""),
        "inline": ("Facts with the content of each file", ""),
        "multipart": ("Facts and files as a form", "The part “facts”, then each file as “file”."),
    },
    "provider": {
        "microsoft": ("Microsoft", "The client credentials of an app registration."),
        "google": ("Google", "A service account that may act for a mailbox."),
        "refresh_token": ("Another, by a refresh token", ""),
    },
    "security": {
        "starttls": ("STARTTLS", ""),
        "tls": ("TLS from the start", ""),
        "explicit": ("TLS by AUTH TLS", ""),
        "implicit": ("TLS from the start", ""),
        "none": ("None", "Passwords and files can be read on the way."),
    },
    "smtp_type": {
        "465": ("TLS from the start", "Usually on port 465."),
        "587": ("STARTTLS", "Usually on port 587."),
        "25": ("None", "Usually on port 25. Passwords and mails can be read on the way."),
    },
    "storage_class": {
        "": ("The usual one", ""),
    },
    "thread": {
        "fresh": ("Each mail starts a conversation", ""),
        "one": ("All mails of the schedule are one conversation", "Gmail also wants the same subject for that."),
    },
}

FURTHER = frozenset(
    {
        *("allow_plain", "body", "ca_certificates", "disposition", "each", "encryption", "encryption_scope", "expect"),
        *("from_name", "identity:boolean", "kms_key", "make_folders", "max_attachment_mb", "max_bytes"),
        *("max_cpu_seconds", "max_file_mb", "max_memory_mb", "max_per_second", "max_sessions", "metadata"),
        *("passphrase", "previous_signing_secret", "reply_to", "retries", "retry_exit_codes"),
        *("statement_timeout", "storage_class", "tags", "thread", "timeout_seconds", "use_agent"),
        *("write_once",),
    }
)
"""Settings that most people leave as they are, so that they stand behind "More settings".

After a colon stands the kind of a field whose name other kinds of connections use for something else.
"""
LONG = frozenset({"ca_certificates", "host_key", "private_key", "service_account_key", "text"})
"""Texts of several lines."""

_SHORT = re.compile(r"\b(id|url|ca|mb|smtp|ftp|sftp|tls|api|json|cpu)\b", re.IGNORECASE)


def label(name: str, title: str) -> str:
    """Return the label of a setting: ours, else its title or name in sentence case."""
    if name in LABELS:
        return LABELS[name]
    words = title or name.replace("_", " ")
    if words.replace(" ", "_").casefold() == name.casefold():  # A title that pydantic made of the name.
        words = words[:1].upper() + words[1:].lower()
        words = _SHORT.sub(lambda found: found[0].upper(), words)
    return words


def hint(name: str, description: str, kind: str = "") -> str:
    """Return the hint of a setting: ours, else its description without marks of code and what operators set."""
    name = f"{name}:{kind}" if f"{name}:{kind}" in HINTS else name
    return HINTS[name] if name in HINTS else refusals.for_pages(description).replace("`", "").strip()


def option(name: str, value: str, title: str) -> tuple[str, str]:
    """Return the label and hint of a choice."""
    found = OPTIONS.get(name, {}).get(value)
    if found is not None:
        return found
    return (title.replace("_", " ") if title == value else title), ""
