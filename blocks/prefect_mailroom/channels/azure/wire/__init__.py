"""Speak to Azure: its client, its logins, and what its answers mean. These modules import the vendor's packages."""
