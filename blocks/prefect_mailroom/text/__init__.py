"""Text that reaches far sides: variables of templates, file names and paths, mail addresses. Imports no Prefect."""
