"""Execution of plans: engines, stages, their jobs, and the display of progress."""
