"""What a person runs: the command line, experiment files, stages, engines and reports."""
