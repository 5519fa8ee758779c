"""The cost of a pass of a pretrained encoder: `python -m benchmarks.encoders [--sentences 100]`.

The encoder has random weights and the size of multilingual-e5-small (12 layers, 384 wide); each character is a subword.
The text is the demo corpus, and a link stands in one sentence of twenty. Beside transformers alone, which pads a batch
to its longest sentence, is what taggers run: windows of similar length together, in float32 and in what `precision =
"auto"` comes to here; and the same features read from disk.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.table import Table
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from benchmarks.timing import Timing, compare
from structkd.corpora.demo import demo_corpus
from structkd.runtime.batches import length_batches
from structkd.tagger.config import TransformerConfig
from structkd.tagger.encoders.loading import library
from structkd.tagger.encoders.transformer import Frozen, TransformerBody
from structkd.tagger.features import FeatureSet
from structkd.tagger.tokens import TokenBatch

BARE = "transformers alone"
LINK = "https://example.org/2026/11/a-long-way-to-go/index.html?page=12&style=plain"


def save_encoder(folder: Path) -> None:
    """Write a folder that transformers loads."""
    special = ["<pad>", "<s>", "</s>", "<unk>"]
    letters = {piece: place for place, piece in enumerate([*special, *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    bytewise = Tokenizer(models.BPE(vocab=letters, merges=[]))
    bytewise.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    bytewise.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", letters["<s>"]), ("</s>", letters["</s>"])]
    )
    names = {"pad_token": "<pad>", "unk_token": "<unk>", "cls_token": "<s>", "sep_token": "</s>"}
    PreTrainedTokenizerFast(tokenizer_object=bytewise, model_max_length=512, **names).save_pretrained(folder)
    torch.manual_seed(1)
    size = {"hidden_size": 384, "intermediate_size": 1536, "num_hidden_layers": 12, "num_attention_heads": 12}
    with library("random"):  # without its bar
        BertModel(BertConfig(vocab_size=len(letters), **size)).save_pretrained(folder)


def bare_pass(body: TransformerBody, batches: list[list[list[str]]]) -> None:
    """Each batch as transformers cuts and pads it."""
    tokenizer: Any = body.pieces.tokenizer
    for words in batches:
        body.model(**tokenizer(words, is_split_into_words=True, padding=True, return_tensors="pt"))


def timings(text: list[list[str]], folder: Path, batch_tokens: int, rounds: int) -> dict[str, Timing]:
    """Each way to a corpus's features."""
    exact, auto = (TransformerConfig(model=str(folder), precision=p) for p in ("float32", "auto"))
    plain, mixed, frozen = TransformerBody(exact).eval(), TransformerBody(auto).eval(), Frozen(auto)
    features = folder / "features.safetensors"
    frozen.write_features(features, text, lambda done: None)
    frozen.attach([FeatureSet.open(features)])
    groups = [[text[place] for place in group] for group in length_batches(list(map(len, text)), batch_tokens)]
    batches = [TokenBatch.from_sentences(group) for group in groups]
    tasks = {
        BARE: lambda: bare_pass(plain, groups),
        "windows of similar length, float32": lambda: [plain(batch) for batch in batches],
        f"the same, auto ({frozen.precision})": lambda: [mixed(batch) for batch in batches],
        "features from disk": lambda: [frozen.features(batch) for batch in batches],
    }
    return compare(tasks, rounds=rounds)


def main(
    sentences: Annotated[int, typer.Option(min=20, help="Of the demo corpus.")] = 100,
    rounds: Annotated[int, typer.Option(min=3, help="In which each is timed; long ones in a third of them.")] = 9,
) -> None:
    """Print the time of each over that of transformers alone."""
    torch.set_num_threads(1)
    corpus = [list(sentence.tokens) for sentence in demo_corpus("en", "train", sentences=sentences, seed=1)]
    text = [[*words, LINK] if place % 20 == 0 else words for place, words in enumerate(corpus)]
    table = Table("words a batch", "what", "ratio", "ms (quartiles)", title="an encoder over a corpus, one thread")
    with TemporaryDirectory() as temporary, torch.inference_mode():
        save_encoder(Path(temporary))
        for batch_tokens in (400, 4096):
            found = timings(text, Path(temporary), batch_tokens, rounds)
            for name, timing in found.items():
                table.add_row(str(batch_tokens), name, f"{timing.median / found[BARE].median:.4f}", str(timing))
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
