"""The advice for a missing optional package."""


def needs(package: str, extra: str) -> str:
    """Return the end of an error: the missing package, and the extra of structkd that installs it."""
    return f"needs the package {package}; install it with: pip install 'structkd[{extra}]'"
