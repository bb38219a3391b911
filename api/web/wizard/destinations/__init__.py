"""The step of the wizard that asks who gets the report: its formats, and a card for each destination."""
