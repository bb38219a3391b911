"""Draw strips and charts on the server: data to geometry, which the macros make SVG of."""
