"""Folders of encoders; no library is needed to read them."""

import json

import pytest

from sklearn_mtl.pretrained._folder import EncoderFolder

OLD_SWITCHES = {
    "word_embedding_dimension": 16,
    "pooling_mode_cls_token": False,
    "pooling_mode_mean_tokens": True,
}


def write(folder, modules, **files):
    """Write a folder of sentence-transformers: modules by their paths, files by their folders."""
    kinds = [
        {"idx": i, "name": str(i), "path": p, "type": f"x.models.{t}"} for i, (p, t) in enumerate(modules)
    ]
    (folder / "modules.json").write_text(json.dumps(kinds))
    for name, content in files.items():
        path = folder / name.replace("__", "/") if "__" in name else folder / f"{name}"
        path = path.with_suffix(".json")
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
    return folder


def test_a_folder_of_transformers_is_pooled_by_the_mean(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    assert EncoderFolder.read(tmp_path) == EncoderFolder(tmp_path, "mean", False, False, None)


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        (OLD_SWITCHES, "mean"),
        ({**OLD_SWITCHES, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode": "cls", "include_prompt": True}, "cls"),
        ({"pooling_mode": ["mean"]}, "mean"),
    ],
)
def test_a_folder_of_sentence_transformers_says_how_it_pools(tmp_path, pooling, expected):
    folder = write(
        tmp_path,
        [("0_T", "Transformer"), ("1_P", "Pooling"), ("2_N", "Normalize")],
        **{"1_P__config": pooling, "0_T__sentence_bert_config": {"max_seq_length": 8, "do_lower_case": True}},
    )
    assert EncoderFolder.read(folder) == EncoderFolder(folder / "0_T", expected, True, True, 8)


def test_what_is_not_known_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"has neither config\.json nor modules\.json; give one that"):
        EncoderFolder.read(tmp_path)
    write(tmp_path, [("", "Transformer"), ("1", "Dense")])
    with pytest.raises(ValueError, match=r"has the modules \['Transformer', 'Dense'\]; only"):
        EncoderFolder.read(tmp_path)
    write(tmp_path, [("", "Transformer"), ("1", "Pooling")], **{"1__config": {"pooling_mode": "max"}})
    with pytest.raises(ValueError, match=r"pools tokens by \['max'\]; only 'mean' and 'cls'"):
        EncoderFolder.read(tmp_path)


def test_the_fingerprint_changes_with_what_vectors_depend_on_alone(tmp_path):
    for name in ("config.json", "model.safetensors", "tokenizer.json", "README.md"):
        (tmp_path / name).write_text("before")
    before = EncoderFolder.read(tmp_path).fingerprint()
    (tmp_path / "README.md").write_text("after")
    assert EncoderFolder.read(tmp_path).fingerprint() == before
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (tmp_path / name).write_text("after")
        after = EncoderFolder.read(tmp_path).fingerprint()
        assert after != before
        before = after
