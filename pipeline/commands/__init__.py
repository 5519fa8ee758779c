"""The commands, one file each: arguments in, calls out."""
