"""Seal the audit trail, sign for it, and check it: `chain` has the hashes, `sealer` the loop, `verify` the check."""
