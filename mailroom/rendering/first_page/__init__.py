"""The pictures of reports, which cards show: painted in the background, and kept as files."""
