"""Tiny Hugging Face models with random weights, saved to a folder."""

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForTokenClassification,
    BertModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForTokenClassification,
    RobertaTokenizer,
    XLMRobertaConfig,
    XLMRobertaForTokenClassification,
    XLMRobertaTokenizer,
)

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
POSITIONS = 24
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


def save_bert(folder, **changes):
    """WordPiece over the letters a to e; a word of other letters is unknown, one of control characters nothing."""
    _wordpiece().save_pretrained(folder)
    _random(BertForTokenClassification, BertConfig, 14, type_vocab_size=2, **changes).save_pretrained(folder)
    return folder


def save_bert_without_head(folder):
    _wordpiece().save_pretrained(folder)
    _random(BertModel, BertConfig, 14).save_pretrained(folder)
    return folder


def save_bert_without_unknown(folder):
    """A tokenizer that drops letters other than a and b."""
    tokenizer = Tokenizer(models.BPE(vocab={"<pad>": 0, "a": 1, "b": 2}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>").save_pretrained(folder)
    _random(BertForTokenClassification, BertConfig, 3).save_pretrained(folder)
    return folder


def save_roberta(folder):
    """Byte-level BPE without merges; two of its positions are for padding."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {piece: place for place, piece in enumerate(["<s>", "<pad>", "</s>", "<unk>", "<mask>", *letters])}
    RobertaTokenizer(vocab=vocabulary, merges=[]).save_pretrained(folder)
    _random(RobertaForTokenClassification, RobertaConfig, len(vocabulary), pad_token_id=1).save_pretrained(folder)
    return folder


def save_xlm_roberta(folder):
    """A unigram model with blanks as underscores."""
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁a", "ab", "a", "b", "c", "d"]
    XLMRobertaTokenizer(vocab=[(piece, -float(place)) for place, piece in enumerate(pieces)]).save_pretrained(folder)
    _random(XLMRobertaForTokenClassification, XLMRobertaConfig, 16, pad_token_id=1).save_pretrained(folder)
    return folder


def _random(model, config, vocab_size, **changes):
    torch.manual_seed(5)
    sizes = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 8}
    names = dict(enumerate(LABELS))
    settings = {"initializer_range": 0.8, "max_position_embeddings": POSITIONS, "id2label": names, **sizes, **changes}
    return model(config(vocab_size=vocab_size, label2id={v: k for k, v in settings["id2label"].items()}, **settings))


def _wordpiece():
    pieces = [*_SPECIAL, *"abcde", *(f"##{letter}" for letter in "abcde")]
    tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token"), _SPECIAL, strict=True))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_input_names=_INPUTS, **names)


_INPUTS = ["input_ids", "token_type_ids", "attention_mask"]
