"""Show operators the service levels, the figures, and whether each part is well."""
