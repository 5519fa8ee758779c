"""How many random examples a test draws."""

from hypothesis import settings


def examples(many, **more):
    """So many where new ones are drawn, a quarter of them where they are the same every time: see conftest.py."""
    new = settings.get_current_profile_name() == "new"
    return settings(max_examples=many if new else max(4, many // 4), **more)
