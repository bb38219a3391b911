"""Facts about the data of a rendering, gathered while its rows stream by, from which conditions are decided."""
