"""The calls of `PrefectClient` that Mailroom makes, answered by a `ModelPrefect`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate, DeploymentScheduleUpdate, DeploymentUpdate
from prefect.client.schemas.filters import DeploymentFilter, FlowRunFilter
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.responses import OrchestrationResult, SetStateStatus, StateAcceptDetails
from prefect.client.schemas.schedules import CronSchedule
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import Scheduled

from tests.integration.promises.prefect_model.answers_of_prefect import NOTHING, as_json, flow_run, missing, refused
from tests.integration.promises.prefect_model.model_of_prefect import Deployment, ModelPrefect, Run, Timer

Before = Callable[[str], None]
"""Called with each call's name before it reaches the server; raises where the network or a process ends."""
During = Callable[[], Awaitable[None]]
"""Awaited while a change of a deployment is on its way."""


class ModelClient:
    """One connection to the model; `before`, `during` and `after` stand between its user and the server."""

    def __init__(
        self,
        server: ModelPrefect,
        *,
        before: Before | None = None,
        during: During | None = None,
        after: Before | None = None,
    ) -> None:
        self.server = server
        self._before, self._during, self._after = before or (lambda _: None), during, after or (lambda _: None)

    async def _on_its_way(self) -> None:
        if self._during:
            await self._during()

    @property
    def typed(self) -> PrefectClient:
        """Return this client as the type that production code names."""
        return cast("PrefectClient", self)

    async def request(self, method: str, path: str, json: dict[str, Any]) -> httpx.Response:
        self._before(path)
        assert method == "POST"
        if path.endswith("/schedule"):
            self._plan(UUID(path.split("/")[2]), json)
            answer: Any = None
        else:
            found = self._filtered(json)
            offset = json.get("offset", 0)
            page = found[offset : offset + json.get("limit", 200)]
            answer = len(found) if path == "/deployments/count" else [as_json(one) for one in page]
        self._after(path)
        return httpx.Response(200, json=answer, request=httpx.Request(method, f"http://prefect{path}"))

    def _filtered(self, wanted: dict[str, Any]) -> list[Deployment]:
        flows = wanted["flows"]["name"]["any_"]
        chosen = wanted.get("deployments", {})
        names, others = chosen.get("name", {}).get("any_"), chosen.get("id", {}).get("not_any_", [])
        found = [
            deployment
            for deployment in self.server.deployments.values()
            if deployment.flow in flows
            and (names is None or deployment.name in names)
            and str(deployment.id) not in others
        ]
        if wanted.get("sort") == "UPDATED_DESC":
            return sorted(found, key=lambda deployment: deployment.updated, reverse=True)
        return sorted(found, key=lambda deployment: deployment.name)

    def _plan(self, deployment_id: UUID, json: dict[str, Any]) -> None:
        deployment = self._deployment(deployment_id)
        begin, end = (datetime.fromisoformat(json[key]) for key in ("start_time", "end_time"))
        for timer in deployment.timers:
            if timer.active:
                self.server.plan(deployment, timer, begin, end, least=end, runs=0, after=begin)

    def _deployment(self, deployment_id: UUID) -> Deployment:
        if deployment_id not in self.server.deployments:
            raise missing(deployment_id)
        return self.server.deployments[deployment_id]

    async def create_flow_from_name(self, flow_name: str) -> UUID:
        self._before("create_flow")
        return self.server.flows.setdefault(flow_name, self.server.new_id())

    async def create_deployment(
        self, flow_id: UUID, name: str, *, schedules: Sequence[DeploymentScheduleCreate] = (), **fields: Any
    ) -> UUID:
        """Upsert, and always with new schedules."""
        self._before("create_deployment")
        await self._on_its_way()
        server = self.server
        flow = next(key for key, value in server.flows.items() if value == flow_id)
        there = next((one for one in server.deployments.values() if (one.flow, one.name) == (flow, name)), None)
        kept = NOTHING | fields
        deployment = Deployment(
            id=there.id if there else server.new_id(),
            flow=flow,
            name=name,
            fields=kept,
            timers=[self._timer(wanted) for wanted in schedules],
            updated=server.clock(),
            planned_from=server.clock(),
        )
        server.deployments[deployment.id] = deployment
        server.drop(lambda run: run.deployment == deployment.id and run.auto)
        server.touch(deployment)
        self._after("create_deployment")
        return deployment.id

    def _timer(self, wanted: DeploymentScheduleCreate | DeploymentScheduleUpdate) -> Timer:
        shown = wanted.model_dump(mode="json", exclude_none=True)
        return Timer(
            id=self.server.new_id(),
            slug=wanted.slug,
            schedule=shown["schedule"],
            active=shown.get("active", True),
            parameters=shown.get("parameters", {}),
        )

    async def update_deployment(self, deployment_id: UUID, deployment: DeploymentUpdate) -> None:
        """Slugged schedules are changed in place; where one that is there has no slug, all are replaced."""
        self._before("update_deployment")
        await self._on_its_way()
        found = self._deployment(deployment_id)
        values = deployment.model_dump(mode="json", exclude_unset=True, exclude={"schedules"})
        found.fields = {**found.fields, **values}
        wanted = list(deployment.schedules or [])
        if wanted and found.timers and all(timer.slug for timer in found.timers):
            for update in wanted:
                timer = next((timer for timer in found.timers if timer.slug == update.slug), None)
                if timer:
                    self._change(timer, update)
                else:
                    found.timers.append(self._timer(update))
        elif wanted:
            found.timers = [self._timer(update) for update in wanted]
        self.server.touch(found)
        self._after("update_deployment")

    def _change(self, timer: Timer, update: DeploymentScheduleUpdate) -> None:
        shown = update.model_dump(mode="json", exclude_none=True)
        timer.schedule = shown.get("schedule", timer.schedule)
        timer.active = shown.get("active", timer.active)
        timer.parameters = shown.get("parameters", timer.parameters)

    async def delete_deployment(self, deployment_id: UUID) -> None:
        self._before("delete_deployment")
        self._deployment(deployment_id)
        del self.server.deployments[deployment_id]
        self.server.drop(lambda run: run.deployment == deployment_id)
        for run in self.server.runs.values():
            run.deployment = None if run.deployment == deployment_id else run.deployment
        self._after("delete_deployment")

    async def update_deployment_schedule(
        self, deployment_id: UUID, schedule_id: UUID, active: bool | None = None, schedule: CronSchedule | None = None
    ) -> None:
        """As the switch and the form of a schedule in Prefect's interface: it leaves no stamp on the deployment."""
        self._before("update_deployment_schedule")
        found = self._deployment(deployment_id)
        timer = next((timer for timer in found.timers if timer.id == schedule_id), None)
        if timer is None:
            raise missing(schedule_id)
        self._change(timer, DeploymentScheduleUpdate(active=active, schedule=schedule))
        self.server.replan(found)
        self._after("update_deployment_schedule")

    async def create_deployment_schedules(self, deployment_id: UUID, schedules: list[DeploymentScheduleCreate]) -> None:
        self._before("create_deployment_schedules")
        found = self._deployment(deployment_id)
        found.timers += [self._timer(wanted) for wanted in schedules]
        self._after("create_deployment_schedules")

    async def delete_deployment_schedule(self, deployment_id: UUID, schedule_id: UUID) -> None:
        """Takes every planned run with it, those that are due already too."""
        self._before("delete_deployment_schedule")
        found = self._deployment(deployment_id)
        if all(timer.id != schedule_id for timer in found.timers):
            raise missing(schedule_id)
        found.timers = [timer for timer in found.timers if timer.id != schedule_id]
        self.server.drop(lambda run: run.deployment == deployment_id and run.auto)
        found.planned_from = self.server.clock()
        self._after("delete_deployment_schedule")

    async def read_flow_runs(
        self,
        *,
        flow_run_filter: FlowRunFilter,
        deployment_filter: DeploymentFilter | None = None,
        sort: FlowRunSort | None = None,
        limit: int | None = None,
    ) -> list[FlowRun]:
        self._before("read_flow_runs")
        wanted = flow_run_filter.model_dump(exclude_none=True)
        ids, states = wanted.get("id", {}).get("any_"), wanted.get("state", {}).get("type", {}).get("any_")
        tags, expected = wanted.get("tags", {}).get("all_", []), wanted.get("expected_start_time", {})
        of = deployment_filter.id.any_ if deployment_filter and deployment_filter.id else None
        found = [
            run
            for run in self.server.runs.values()
            if (ids is None or run.id in ids)
            and (states is None or run.state.type in states)
            and (of is None or run.deployment in of)
            and set(tags) <= set(run.tags)
            and run.expected >= expected.get("after_", run.expected)
            and run.expected <= expected.get("before_", run.expected)
        ]
        if sort is FlowRunSort.EXPECTED_START_TIME_DESC:
            found.sort(key=lambda run: run.expected, reverse=True)
        return [flow_run(run, self._flow_id(run)) for run in found[: limit or 200]]

    def _flow_id(self, run: Run) -> UUID:
        return self.server.flows[run.flow]

    async def create_flow_run_from_deployment(
        self,
        deployment_id: UUID,
        *,
        parameters: dict[str, Any],
        state: State[Any] | None = None,
        name: str | None = None,
        tags: Sequence[str] = (),
        idempotency_key: str | None = None,
    ) -> FlowRun:
        self._before("create_flow_run")
        deployment = self.server.deployments.get(deployment_id)
        if deployment is None:
            raise refused(404, f"/deployments/{deployment_id}/create_flow_run")
        there = [run for run in self.server.runs.values() if idempotency_key and run.key == idempotency_key]
        now = self.server.clock()
        run = there[0] if there else self._new_run(deployment, parameters, tags, idempotency_key, now)
        self.server.runs[run.id] = run
        self._after("create_flow_run")
        return flow_run(run, self._flow_id(run))

    def _new_run(
        self, deployment: Deployment, parameters: dict[str, Any], tags: Sequence[str], key: str | None, now: datetime
    ) -> Run:
        run_id = self.server.new_id()
        return Run(
            id=run_id,
            flow=deployment.flow,
            deployment=deployment.id,
            key=key or str(run_id),
            parameters={**deployment.fields["parameters"], **parameters},
            tags=[*deployment.fields["tags"], *tags],
            expected=now,
            auto=False,
            state=self.server.state(Scheduled(scheduled_time=now)),
        )

    async def set_flow_run_state(
        self, flow_run_id: UUID, state: State[Any], *, force: bool = False
    ) -> OrchestrationResult[Any]:
        """Every change is taken: those that Prefect's rules refuse are not made by the machine."""
        self._before("set_flow_run_state")
        if flow_run_id not in self.server.runs:
            raise missing(flow_run_id)
        run = self.server.runs[flow_run_id]
        run.state = self.server.state(state)
        self._after("set_flow_run_state")
        return OrchestrationResult(state=run.state, status=SetStateStatus.ACCEPT, details=StateAcceptDetails())

    async def read_block_document_by_name(self, name: str, _slug: str, *, include_secrets: bool = True) -> Any:
        self._before("read_block_document")
        if name not in self.server.blocks:
            raise missing(name)
        return SimpleNamespace(data=self.server.blocks[name])
