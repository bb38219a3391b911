"""The pages of templates: parts of a schedule to start others from."""
