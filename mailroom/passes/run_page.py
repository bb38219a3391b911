"""Make what a run shows in Prefect's UI: a readable name, and a summary with its files and deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from prefect.artifacts import acreate_markdown_artifact

from mailroom.executions import deliveries as delivery_repository
from mailroom.executions import repository as executions
from mailroom.executions.reason_words import words
from mailroom.passes.claim import Claimed
from mailroom.passes.outcome import Outcome
from mailroom.passes.work import Work
from mailroom.rendering import repository as rendering_repository
from mailroom.states import ExecutionKind
from mailroom.storage.tables import Artifact, Delivery


def run_name(claimed: Claimed) -> str:
    """Return a name such as `EMEA weekly sales · Mon 2026-11-23 09:00`, with the kind unless it is scheduled."""
    execution = claimed.execution
    local = execution.due_at.astimezone(ZoneInfo(claimed.spec.timing.timezone))
    kind = "" if execution.kind is ExecutionKind.SCHEDULED else f" · {str(execution.kind).replace('_', ' ')}"
    return f"{claimed.schedule.name[:150]} · {local:%a %Y-%m-%d %H:%M}{kind}"


def _cell(text: object) -> str:
    """Return text that cannot end a Markdown table's cell or start markup."""
    shown = " ".join(str(text).split())
    return "".join(f"\\{character}" if character in r"\`*_{}[]<>()#+!|" else character for character in shown)


def summary(
    claimed: Claimed, result: Outcome, files: Sequence[Artifact], deliveries: Sequence[Delivery], api: str
) -> str:
    """Write the summary as Markdown. Pure."""
    lines = [f"## {_cell(claimed.schedule.name)}", "", f"**{result.state}** {_cell(words(result.reason))}", ""]
    if files:
        lines += ["| File | Size | SHA-256 |", "|---|---:|---|"]
        lines += [
            f"| [{_cell(file.filename)}]({api}/api/v1/artifacts/{file.id}/download) "
            f"| {file.size:,} | {file.sha256[:16]} |"
            for file in files
        ]
        lines.append("")
    if deliveries:
        lines += ["| To | By | State | Attempts | Receipt |", "|---|---|---|---:|---|"]
        lines += [
            f"| {_cell(d.recipient)} | {_cell(d.channel)} | {d.status} | {d.attempts} "
            f"| {_cell((d.receipt or {}).get('reference') or d.error_message or '')} |"
            for d in deliveries
        ]
    return "\n".join(lines)


async def write_summary(work: Work, claimed: Claimed, result: Outcome) -> None:
    """Attach the summary to the run."""
    async with work.database.session() as session:
        execution = await executions.get(session, claimed.execution.id)
        deliveries = await delivery_repository.deliveries_of(session, [execution.id])
        files = await rendering_repository.artifacts(session, execution.artifact_ids)
    await acreate_markdown_artifact(
        summary(claimed, result, files, deliveries, work.settings.public_url),
        key=f"execution-{execution.id}",
        description=f"{claimed.schedule.name}: {result.state}",
    )
