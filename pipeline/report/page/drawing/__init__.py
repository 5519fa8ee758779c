"""Charts as matplotlib figures, a module for each kind."""
