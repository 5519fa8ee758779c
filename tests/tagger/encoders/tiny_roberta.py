"""An encoder of RoBERTa's build with a Unigram tokeniser, made on the spot."""

import string
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel


def save_tiny_roberta(folder: Path) -> Path:
    """Write a folder that `AutoModel` and `AutoTokenizer` load."""
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    pieces = ["\u2581", "\u2581Ber", "lin", "Lon", "don", "lon", *string.ascii_letters]
    vocabulary = [*((piece, 0.0) for piece in special), *((piece, -len(pieces) + len(piece)) for piece in pieces)]
    tokenizer = Tokenizer(models.Unigram([(piece, float(score)) for piece, score in vocabulary], unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    names = {"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "sep_token": "</s>"}
    names |= {"pad_token": "<pad>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=20, **names).save_pretrained(folder)
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=24,
        initializer_range=0.5,
    )
    XLMRobertaModel(config).save_pretrained(folder)
    return folder
