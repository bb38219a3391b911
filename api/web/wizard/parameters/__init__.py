"""The step of the wizard that asks which data the report shows."""
