"""A pretrained encoder that is made on the spot."""

import pytest

LETTERS = [chr(ord("a") + place) for place in range(26)]
WORDS = ["good", "bad", "the", "dress", "shirt", "is", "!"]


@pytest.fixture(scope="session")
def make_bert():
    """Write a BERT of a few units, whose words outside of its vocabulary fall into letters."""
    pytest.importorskip("transformers", reason="needs the extra `text`")
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    def make(folder, *, seed=0, width=16):
        folder.mkdir(parents=True, exist_ok=True)
        marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        vocabulary = [*marks, *WORDS, *LETTERS, *(f"##{letter}" for letter in LETTERS)]
        (folder / "vocab.txt").write_text("\n".join(vocabulary))
        BertTokenizerFast.from_pretrained(folder).save_pretrained(folder)
        config = BertConfig(
            vocab_size=len(vocabulary),
            hidden_size=width,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=24,
            initializer_range=0.05,
        )
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            BertModel(config).save_pretrained(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def bert(make_bert, tmp_path_factory):
    """The folder of one such encoder; nobody may change it."""
    return make_bert(tmp_path_factory.mktemp("encoders") / "bert")
