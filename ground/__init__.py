"""What every room stands on: files, journals, signals, refusals of the operating system."""
