"""Commands that each run one process of a production system, for what starts processes: systemd, a container."""
