"""Loading of models by Hugging Face transformers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from torch import nn

from structkd.tagger.encoders.pieces import Pieces
from structkd.tagger.encoders.pretrained import EncoderError, missing_extra


@contextmanager
def library(model: str) -> Iterator[Any]:
    """Yield Hugging Face transformers, quiet, for loading `model`; its errors become EncoderError."""
    try:
        import transformers
    except ImportError as error:
        raise EncoderError(missing_extra(model)) from error
    log: Any = transformers.utils.logging
    bars = log.is_progress_bar_enabled()
    verbosity = log.get_verbosity()
    log.set_verbosity_error()  # of layers that are left out on purpose
    log.disable_progress_bar()
    try:
        yield transformers
    except EncoderError:
        raise
    except Exception as error:  # of transformers, tokenizers, safetensors and torch: there is no common kind
        raise EncoderError(f"{model}: transformers cannot load it: {type(error).__name__}: {error}") from error
    finally:
        log.set_verbosity(verbosity)
        if bars:
            log.enable_progress_bar()


def load_tokenizer(transformers: Any, folder: Path) -> Any:
    """Load a folder's tokeniser. Raises EncoderError if it has no vocabulary, which transformers does not report."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, add_prefix_space=True)
    if len(tokenizer) <= len({*tokenizer.all_special_ids}):
        raise EncoderError(
            f"{folder}: its tokeniser knows {len(tokenizer)} subwords, all of them special; expected tokenizer.json "
            "or the files of its vocabulary beside config.json"
        )
    return tokenizer


def missing_weights(model: nn.Module, report: dict[str, Any], part: nn.Module) -> list[str]:
    """Return the tensors of a model's `part` that its files lack; transformers fills them at random.

    Args:
        report: the loading info of `from_pretrained` with `output_loading_info`.
    """
    kept = {id(tensor) for tensor in part.state_dict(keep_vars=True).values()}
    tensors = model.state_dict(keep_vars=True)
    return sorted(name for name in report["missing_keys"] if id(tensors.get(name)) in kept)


def make_pieces(model: nn.Module, tokenizer: Any, window: int | None) -> Pieces:
    """Return the `Pieces` that cut words for a model, in windows of its size. Raises EncoderError, naming the model."""
    table = cast("Any", model).get_input_embeddings()
    try:
        return Pieces(tokenizer, _window_limit(model, tokenizer), window, getattr(table, "num_embeddings", None))
    except EncoderError as error:
        raise EncoderError(f"{model.name_or_path}: {error}") from None


def _window_limit(model: nn.Module, tokenizer: Any) -> int | None:
    """Return the subwords and special tokens that a model takes at once; None if it has no limit.

    RoBERTa's table of positions counts those of padding, BERT's does not.
    """
    tables = [
        module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1)
        for name, module in model.named_modules()
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding)
    ]
    stated: Any = getattr(model.config, "max_position_embeddings", None)
    known = [limit for limit in (*tables, stated, tokenizer.model_max_length) if limit and 0 < limit < 1 << 20]
    return min(known, default=None)
