"""Tell the audit trail of requests: where they came from, and that they were refused."""
