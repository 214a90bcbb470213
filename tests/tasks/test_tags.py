import numpy as np
import pandas as pd
import pytest

from sklearn_mtl.tasks import read_labels, read_tag_cells, split_tags

Y = pd.DataFrame({"slots": [["O", "B-city"], None, ["B-day", None]], "intent": ["fly", "ask", "fly"]})


def split(y, kind=None, *, is_allowed=True):
    return split_tags(read_labels(y, owner="Example"), kind, is_allowed=is_allowed, owner="Example")


@pytest.mark.parametrize("cells", [list, tuple, np.array], ids=["lists", "tuples", "arrays"])
def test_columns_of_lists_are_taken_for_tags(cells):
    y = Y.assign(slots=[None if cell is None else cells(cell) for cell in Y["slots"]])
    rest, kind, (slots,) = split(y)
    assert rest.names == ["intent"]
    assert kind is None
    assert slots.task.tags.tolist() == ["B-city", "B-day", "O"]
    assert slots.cells == [["O", "B-city"], None, ["B-day", None]]


def test_texts_are_tags_only_if_the_kind_says_so():
    y = pd.DataFrame({"slots": ["O B-city", None, "B-day O"], "intent": ["fly", "ask", "fly"]})
    assert split(y)[2] == ()
    assert split(y, {"slots": "tagging"})[2][0].cells == [["O", "B-city"], None, ["B-day", "O"]]


def test_kinds_of_the_others_stay_with_them():
    y = Y.assign(size=[1, 2, 3])
    given = {"slots": ("tagging", {"column": "query"}), "size": "ordinal"}
    for kind in (given, [given["slots"], None, "ordinal"]):
        rest, kinds, (slots,) = split(y, kind)
        assert rest.names == ["intent", "size"]
        assert kinds == {"size": "ordinal"}
        assert slots.task.column == "query"


def test_codes_say_which_words_have_no_tag_and_which_a_new_one():
    task = split(Y)[2][0].task
    codes = task.codes([["O", None, "B-new"], None], np.array([3, 2]), owner="Example")
    assert codes.tolist() == [2, -1, -2, -1, -1]
    assert task.decode(np.array([2, 0, 1]), np.array([0, 2, 2, 3])).tolist() == [
        ["O", "B-city"],
        [],
        ["B-day"],
    ]


def test_tags_have_to_be_as_many_as_words():
    task = split(Y)[2][0].task
    with pytest.raises(ValueError, match=r"task 'slots' has 2 tags in row 1, whose text has 3 words"):
        task.codes([["O"], ["O", "O"]], np.array([1, 3]), owner="Example")


def test_numbers_of_cells_do_not_depend_on_the_order_of_rows():
    order = [2, 0, 1]
    forward, backward = (split(y)[2][0].sequence_codes() for y in (Y, Y.iloc[order]))
    np.testing.assert_array_equal(forward[order], backward)
    assert forward[1] == 0


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (3, r"has in row 1 3, expected a list of tags"),
        (["O", 3], r"has in row 1 the tag 3, expected a text"),
    ],
)
def test_cells_that_are_no_tags_are_refused(cell, message):
    column = read_labels(pd.Series([["O"], cell], dtype=object), owner="Example").columns[0]
    with pytest.raises(ValueError, match=message):
        read_tag_cells(column, owner="Example")


@pytest.mark.parametrize(
    ("y", "kind", "message"),
    [
        (Y.assign(slots=[["O"], None, ["O", "O"]]), None, "'slots' has only one tag, 'O', in 2"),
        (Y.assign(slots=[[None], None, None]), None, "'slots' has no tag in 1"),
        (Y, {"slots": "tagging", "slot": "tagging"}, "unknown tasks"),
        (Y, {"slots": ("tagging", {"col": "query"})}, "expected .*'column'"),
    ],
)
def test_what_cannot_be_learned_is_refused(y, kind, message):
    with pytest.raises(ValueError, match=message):
        split(y, kind)


def test_estimators_without_tags_name_the_one_that_has_them():
    with pytest.raises(ValueError, match=r"task 'slots' has a list .* MultiTaskAttentionEstimator"):
        split(Y, is_allowed=False)
