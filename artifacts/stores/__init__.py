"""Places of artifact sets: folders, and prefixes of object stores."""
