"""What the audit trail has of requests: from where they came, and that they were refused."""
