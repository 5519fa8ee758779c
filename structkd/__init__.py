"""structkd: many monolingual sequence labellers into one multilingual model, in two offline stages."""
