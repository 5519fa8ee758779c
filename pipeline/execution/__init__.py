"""Doing what is planned: engines, stages, their jobs, and the display of progress."""
