"""Hold the example bodies of reports that the documentation shows."""

from __future__ import annotations

REPORT = {
    "id": "sales-by-region",
    "title": "Sales by region",
    "source": {
        "kind": "sql",
        "connection": "warehouse",
        "queries": {"sales": "SELECT region, sum(amount) AS amount FROM sales WHERE day >= :from_day GROUP BY region"},
    },
    "parameters": {
        "type": "object",
        "properties": {
            "from_day": {"type": "string", "format": "date", "title": "From", "default": "start_of_last_month"}
        },
    },
    "sections": [{"kind": "table", "heading": "Sales", "query": "sales"}],
    "formats": ["pdf", "xlsx", "csv"],
}
