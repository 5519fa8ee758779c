"""Sources of corpora: each class names a corpus (`identity`) and reads or makes it (`load`)."""

from typing import Annotated

from pydantic import Field

from structkd.corpora.sources.catalog import CatalogSource
from structkd.corpora.sources.demo import DemoSource
from structkd.corpora.sources.files import FileSource

AnyLabelledSource = Annotated[DemoSource | CatalogSource | FileSource, Field(discriminator="name")]
"""The possible values of `[corpus]`; a new source of labelled sentences gets its own file, and its name here."""
