"""Stage one: train a monolingual teacher and write what it knows."""
