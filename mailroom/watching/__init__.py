"""What operators look at: service levels, figures, and whether each part is well."""
