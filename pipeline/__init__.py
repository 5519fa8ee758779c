"""The program: command line, experiment files, stages, engines and reports."""
