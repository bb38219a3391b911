"""Write objects into a container of Azure Blob Storage."""
