"""Compare `/metrics` and `GET /stats` with the rows of the ledger, which are counted here and not by the product."""
