"""The digest that names a demo corpus without generating it."""

from importlib.metadata import version

from structkd.ground.files import digest_json

VERSION = 2  # of the text and labels that the generator gives: raise it with every change of them


def generator_digest() -> str:
    """Return the SHA-256 of what determines the corpora: the generator's version and Faker's.

    Two generators with equal digests give equal corpora for equal (language, split, sentences, seed). Faker's
    version is read from its metadata, because importing Faker takes far longer than this whole call.
    """
    return digest_json({"faker": version("faker"), "version": VERSION})
