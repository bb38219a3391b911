"""The `mailroom` command. Nothing heavy is imported here: a command's module is loaded when it is called."""

from __future__ import annotations

import os
import sys

from cyclopts import App

from mailroom.quick_start import collect_seldom

app = App(
    name="mailroom",
    help="Reports, on time, to everyone who waits for them.",
    version="0.1.0",
    help_format="plaintext",  # Markdown would import its parser for each --help.
)
app.command("cli.commands.up:up", name="up", help="Run everything on this machine until you press Ctrl-C.")
app.command("cli.commands.init:init", name="init", help="Create or repair the set-up. Can be repeated.")
app.command("cli.commands.doctor:doctor", name="doctor", help="Show what is wrong with this set-up, and how to fix it.")
app.command("cli.commands.serve.processes:api", name="api", help="Run one process of the API in production.")
app.command("cli.commands.serve.processes:worker", name="worker", help="Run one worker in production.")
app.command("cli.commands.serve.processes:renderers", name="renderers", help="Run a host's renderers in production.")
app.command(
    "cli.commands.serve.prefect:app", name="prefect", help="Run Prefect's server or services in production, or migrate."
)
app.command("cli.commands.serve.alive:alive", name="alive", help="Tell whether a process of this host answers.")
app.command("cli.commands.demo:demo", name="demo", help="Start everything, deliver real reports, print the proof.")
app.command("cli.commands.reports:app", name="reports", help="Work with report folders and stored reports.")
app.command(
    "cli.commands.schedules.commands:app",
    name="schedules",
    help="List, create, pause, resume, delete, run and test schedules.",
)
app.command("cli.commands.schedules.executions:app", name="executions", help="Show what became of an execution.")
app.command(
    "cli.commands.connections:app", name="connections", help="Create, check, list, replace and delete connections."
)
app.command("cli.commands.members.keys:app", name="keys", help="Make, list, change and revoke keys of users.")
app.command(
    "cli.commands.members.limits:limits", name="limits", help="Show what a user may have and do, and how much is used."
)
app.command("cli.commands.members.users:app", name="users", help="List users, and make one-time links for them.")
app.command("cli.commands.members.sessions:app", name="sessions", help="List and end the log-ins of browsers.")
app.command(
    "cli.commands.members.recipients:app", name="recipients", help="Find, remove and erase people who get reports."
)
app.command(
    "cli.commands.members.recipients:suppressions",
    name="suppressions",
    help="Keep addresses that nothing is ever sent to.",
)
app.command("cli.operator.upgrade.command:upgrade", name="upgrade", help="Check, and bring the tables to this version.")
app.command("cli.operator.backup:app", name="backup", help="Back up both databases and the rendered files, or check.")
app.command("cli.operator.restore:restore", name="restore", help="Put a backup back; nothing is sent until you resume.")
app.command("cli.commands.account:account", name="account", help="Check that every due time is accounted for.")
app.command("cli.operator.audit:app", name="audit", help="Check, export and look after the audit trail.")
app.command(
    "cli.commands.breakers:app", name="breakers", help="Show which connections are held back, and enable one again."
)
app.command(
    "cli.commands.watching.alerts:app", name="alerts", help="Show who was told of incidents, and test the routes."
)
app.command("cli.commands.incidents:app", name="incidents", help="Show what is wrong, and take note of it.")
app.command("cli.commands.stops:stop", name="stop", help="Stop everything from leaving, or a part of it.")
app.command("cli.commands.stops:resume", name="resume", help="Show what would go after a stop; with --yes, resume.")
app.command("cli.operator.read_only:app", name="read-only", help="Let people only look, and nothing be sent.")
app.command("cli.commands.stops:stops", name="stops", help="List what is stopped.")
app.command(
    "cli.commands.samples:app", name="samples", help="Add sample schedules with a month of history, or remove them."
)
app.command(
    "cli.commands.as_code.commands:apply",
    name="apply",
    help="Make schedules, reports, connections, calendars and teams what documents say.",
)
app.command("cli.commands.as_code.commands:diff", name="diff", help="Show what `mailroom apply` would change.")
app.command("cli.commands.as_code.commands:export", name="export", help="Write what is there as documents.")
app.command("cli.commands.as_code.commands:schema", name="schema", help="Print the JSON Schema of documents.")
app.command("cli.commands.run:run", name="run", help="Run a schedule now and wait until it has ended.")


def main() -> None:
    """Run the console script. Exit status: 0 done, 1 refused or failed, 2 the set-up or the call is wrong."""
    collect_seldom()
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        from prefect_mailroom.errors import MailroomError

        if not isinstance(error, MailroomError) or os.environ.get("MAILROOM_DEBUG"):
            raise
        from cli.output import print_error

        sys.exit(print_error(error))


if __name__ == "__main__":
    main()
