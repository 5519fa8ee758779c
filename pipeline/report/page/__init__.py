"""The report as one HTML page: what it says as plain data, its charts, and the template that shows them."""
