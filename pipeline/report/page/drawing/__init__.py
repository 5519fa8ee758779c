"""Charts as matplotlib figures, one module per kind."""
