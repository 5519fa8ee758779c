"""The results of runs: rows of scores, and the tables and tests made from them."""
