"""The commands, one file each; they parse arguments and call functions."""
