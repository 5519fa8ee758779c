import pytest

from tests.tagger.encoders.tiny_bert import save_tiny_bert


@pytest.fixture(scope="session")
def bert(tmp_path_factory):
    """A folder with a tiny pretrained encoder."""
    return str(save_tiny_bert(tmp_path_factory.mktemp("encoders") / "tiny-bert"))
