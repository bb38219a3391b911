"""Render a report folder and deliver it for a flow run alone: without a schedule, and without Mailroom's database.

Whoever keeps reports as code can deploy such a run with `prefect deploy`. What became of its deliveries is kept in
Prefect; docs/prefect-deploy.md says what that promises, and what only a schedule does.
"""
