"""The report as one HTML page: its content as plain data, its charts, and the template."""
