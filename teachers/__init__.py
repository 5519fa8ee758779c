"""Stage one: train a monolingual teacher and write its answers."""
