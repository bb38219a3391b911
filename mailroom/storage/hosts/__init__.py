"""One clock and one store of rendered files, on which processes of several hosts agree."""
