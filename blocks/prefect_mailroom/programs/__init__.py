"""Programs of this machine that a source or a channel starts, with limits, and with secrets in their environment."""
