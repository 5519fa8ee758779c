"""Output for people: the HTML page, sentence cards, tables as text, views of artifact sets."""
