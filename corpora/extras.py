"""What to do about a package that only some uses need."""


def needs(package: str, extra: str) -> str:
    """The end of an error: which package is not installed, and which of structkd's extras brings it."""
    return f"needs the package {package}; install it with: pip install 'structkd[{extra}]'"
