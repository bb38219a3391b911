"""Make what a run shows in Prefect's UI: a readable name, and a summary with its files and deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from prefect.artifacts import acreate_markdown_artifact

from mailroom.executions import repository as executions
from mailroom.executions.reason_words import words
from mailroom.passes.claim import Claimed
from mailroom.passes.outcome import Outcome, Settled
from mailroom.passes.planned.rendered import Rendered
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


def cell(text: object) -> str:
    """Return text that cannot end a Markdown table's cell or start markup."""
    shown = " ".join(str(text).split())
    return "".join(f"\\{character}" if character in r"\`*_{}[]<>()#+!|" else character for character in shown)


def summary(
    claimed: Claimed, result: Outcome, files: Sequence[Artifact], deliveries: Sequence[Delivery], api: str
) -> str:
    """Write the summary as Markdown. Pure."""
    lines = [f"## {cell(claimed.schedule.name)}", "", f"**{result.state}** {cell(words(result.reason))}", ""]
    if files:
        lines += ["| File | Size | SHA-256 |", "|---|---:|---|"]
        lines += [
            f"| [{cell(file.filename)}]({api}/api/v1/artifacts/{file.id}/download) "
            f"| {file.size:,} | {file.sha256[:16]} |"
            for file in files
        ]
        lines.append("")
    if deliveries:
        lines += ["| To | By | State | Attempts | Receipt |", "|---|---|---|---:|---|"]
        lines += [
            f"| {cell(d.recipient)} | {cell(d.channel)} | {d.status} | {d.attempts} "
            f"| {cell((d.receipt or {}).get('reference') or d.error_message or '')} |"
            for d in deliveries
        ]
    return "\n".join(lines)


async def write_summary(work: Work, claimed: Claimed, settled: Settled, made: Rendered | Outcome) -> None:
    """Attach the summary to the run: what stands, the files, and the deliveries as they were when it was settled."""
    execution_id = claimed.execution.id
    files = made.artifacts if isinstance(made, Rendered) else await _files_of(work, execution_id)
    await acreate_markdown_artifact(
        summary(claimed, settled, files, settled.deliveries, work.settings.public_url),
        key=f"execution-{execution_id}",
        description=f"{claimed.schedule.name}: {settled.state}",
    )


async def _files_of(work: Work, execution_id: str) -> Sequence[Artifact]:
    async with work.database.session() as session:
        execution = await executions.get(session, execution_id)
        return await rendering_repository.artifacts(session, execution.artifact_ids)
