"""Settings of stage one in experiment files."""

from pydantic import Field

from structkd.artifacts.posteriors import PosteriorCode
from structkd.artifacts.schema import PathKind
from structkd.corpora.config import new_setting
from structkd.corpora.settings import Settings


class AnnotationConfig(Settings):
    """The content and layout of the artifact sets that stage one writes."""

    k: int = Field(10, ge=1, description="paths of each sentence: the best ones, or drawn ones")
    paths: PathKind = new_setting(
        "best",
        "sampled: k paths are drawn from the teacher's chain, with weights 1/k; top-wk then estimates the exact "
        "objective without bias",
    )
    posteriors: PosteriorCode = Field("float16", description="code of the log-posteriors; log8 takes half the bytes")
    hidden: int = new_setting(
        0,
        "dimensions of the teacher's hidden state of each word, for `student.distill.hidden_updates`; 0: not stored",
        ge=0,
    )
    batch_tokens: int = Field(4096, ge=1, description="words in a forward pass, padding included")
    shard_rows: int = Field(4096, ge=1, description="sentences in a shard")
    row_group_rows: int = Field(512, ge=1, description="sentences in a Parquet row group")
