"""What a TOML file says: experiments and grids as typed settings."""
