"""What runs have found: rows of scores, and the tables and tests that are made of them."""
