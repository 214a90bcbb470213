import numpy as np
import pandas as pd
import pytest

from sklearn_mtl.exceptions import TaskTypeWarning
from sklearn_mtl.tasks import read_tasks


def read(y, kind="classification"):
    return read_tasks(y, kind=kind, owner="Test")


def test_containers_of_classes_are_read_alike(class_table):
    task_set, targets = read(class_table)
    assert [task.kind for task in task_set.tasks] == ["multiclass", "binary"]
    assert [task.classes.tolist() for task in task_set.tasks] == [["bee", "cat", "dog"], [0, 1]]
    assert targets.values.tolist() == [[1, 1], [2, 0], [0, 0], [0, 1], [1, 0]]
    assert targets.observed.tolist() == [[1, 1], [1, 0], [0, 1], [1, 1], [1, 1]]


def test_containers_of_numbers_are_read_alike(number_table):
    task_set, targets = read(number_table, "regression")
    assert task_set.n_outputs == (1, 1)
    assert targets.values.tolist() == [[1.5, 0.0], [2.5, 7.0], [0.0, 8.0]]
    assert targets.observed.tolist() == [[True, False], [True, True], [False, True]]


@pytest.mark.parametrize(
    ("y", "dtype"),
    [
        (np.array([[0, 1], [1, 0]], dtype=np.int8), np.int8),
        (np.array([[0, np.nan], [1, 0], [1, 1]]), np.float64),
        (np.array([["a", "bcd"], ["b", "c"]]), "<U3"),
        (pd.DataFrame({"a": [1, 0], "b": [1.0, 0.0]}), np.float64),
        (pd.DataFrame({"a": [1, 0], "b": [True, False]}), object),
        (pd.DataFrame({"a": [1, 0], "b": ["x", "y"]}), object),
    ],
    ids=["indicator", "holes", "text", "int-float", "int-bool", "int-text"],
)
def test_label_dtype_is_shared_or_object(y, dtype):
    assert read(y)[0].dtype == dtype


def test_numpy_classes_keep_their_dtype_and_order():
    task_set, _ = read(np.array([3, -1, 2], dtype=np.int16))
    assert task_set.tasks[0].classes.dtype == np.int16
    assert task_set.tasks[0].classes.tolist() == [-1, 2, 3]


def test_categories_that_never_occur_are_no_classes():
    task_set, _ = read(pd.Series(pd.Categorical(["b", "a"], categories=["c", "b", "a"])))
    assert task_set.tasks[0].classes.tolist() == ["a", "b"]


def test_task_without_labels_is_named():
    with pytest.raises(ValueError, match="Test: task 'toxicity' has no observed label in 3 rows; drop"):
        read(pd.DataFrame({"a": [0, 1, 0], "toxicity": [None] * 3}))


def test_task_with_one_class_is_named():
    with pytest.raises(ValueError, match="Test: task 'b' has only one class, 'x', in 2 observed labels"):
        read(pd.DataFrame({"a": [0, 1, 0], "b": ["x", None, "x"]}))


def test_rows_without_any_label_are_kept():
    _, targets = read([[0, "a"], [None, None], [1, "b"]])
    assert targets.observed.tolist() == [[True, True], [False, False], [True, True]]


MIXED = pd.DataFrame(
    {
        "rating": [1.5, None, 3.0, 4.0],
        "genre": pd.Categorical(["a", "b", None, "c"]),
        "seen": pd.array([True, None, False, True], dtype="boolean"),
    }
)


@pytest.mark.parametrize(
    "kind",
    [
        None,
        {},
        {"rating": "regression"},
        {"genre": "multiclass", "seen": "binary", "rating": None},
        {"genre": "classification", "seen": "multiclass"},
        ["regression", "classification", None],
        ("regression", "multiclass", "binary"),
    ],
)
def test_inferred_and_given_kinds_stand_side_by_side(kind):
    task_set, targets = read(MIXED, kind)
    assert [task.kind for task in task_set.tasks] == ["regression", "multiclass", "binary"]
    assert task_set.n_outputs == (1, 3, 1)
    assert targets.values.tolist() == [[1.5, 0, 1], [0, 1, 0], [3, 0, 0], [4, 2, 1]]


def test_numbers_are_what_the_user_says_they_are():
    y = pd.DataFrame({"a": [0, 1, 2, 1], "b": [0, 1, 1, 0]})
    given = ("regression", "classification", {"a": "multiclass", "b": "regression"})
    kinds = [[task.kind for task in read(y, kind)[0].tasks] for kind in given]
    assert kinds == [["regression"] * 2, ["multiclass", "binary"], ["multiclass", "regression"]]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            "ordinary",
            r"says that task 'rating' is 'ordinary', expected one of \['regression', 'cl",
        ),
        ({"genre": "class"}, "says that task 'genre' is 'class', expected one of"),
        ({"genre": ["binary"]}, r"says that task 'genre' is \['binary'\], expected one of"),
        (
            {"gerne": "binary"},
            r"names unknown tasks \['gerne'\]; the tasks are \['rating', 'genre', 'seen'\]",
        ),
        (
            ["regression"],
            r"has 1 items, expected 3, one for each of the tasks \['rating', 'genre', 'seen'\]; or",
        ),
        (
            {"genre": "binary"},
            r"says that task 'genre' is 'binary', but it has 3 classes, \['a', 'b', 'c'\]; use",
        ),
    ],
)
def test_unusable_kinds_are_refused(kind, message):
    with pytest.raises(ValueError, match=f"Test: task_types {message}"):
        read(MIXED, kind)


def test_text_is_no_number_whatever_the_user_says():
    with pytest.raises(ValueError, match=r"task 'genre' has labels like 'a' .*task_types={'genre': 'class"):
        read(MIXED, {"genre": "regression"})


def test_fractions_are_no_classes_whatever_the_user_says():
    with pytest.raises(ValueError, match=r"Task 'rating' has labels like 1\.5.*task_types={'rating': 'regr"):
        read(MIXED, {"rating": "classification"})


def test_one_warning_names_all_guesses_and_how_to_say_them():
    y = pd.DataFrame(
        {"stars": [1, 2, 3] * 3, "text": list("abc") * 3, "n": range(9), "flag": [0.0, 1, 1] * 3}
    )
    with pytest.warns(TaskTypeWarning) as caught:
        task_set, _ = read(y, None)
    assert [task.kind for task in task_set.tasks] == ["multiclass", "multiclass", "regression", "binary"]
    (message,) = [str(warning.message) for warning in caught]
    assert "task 'stars' as multiclass (3 different whole numbers)" in message
    assert "task 'n' as regression (9 different whole numbers)" in message
    assert "task 'flag' as binary (two different whole numbers, as floats)" in message
    said = {"stars": "multiclass", "n": "regression", "flag": "binary"}
    assert f"task_types={said}" in message
    again, _ = read(y, said)  # without a warning: they are errors here
    assert [task.kind for task in again.tasks] == [task.kind for task in task_set.tasks]


SIZES = pd.DataFrame({"size": ["M", "L", None, "S", "M"], "n": [1, 2, 3, 4, 5]})


@pytest.mark.parametrize(
    ("y", "kind", "classes"),
    [
        (SIZES, {"size": "ordinal"}, ["L", "M", "S"]),
        (SIZES, {"size": ("ordinal", ["S", "M", "L"])}, ["S", "M", "L"]),
        (SIZES, [("ordinal", ["XS", "S", "M", "L"]), None], ["S", "M", "L"]),
        (SIZES, {"size": ("ordinal", np.array(["S", "M", "L"]))}, ["S", "M", "L"]),
        (SIZES, {"size": ("ordinal", ("S", "M", "L"))}, ["S", "M", "L"]),
        (
            SIZES.assign(size=pd.Categorical(SIZES["size"], ["S", "M", "L", "XL"], ordered=True)),
            {"size": "ordinal"},
            ["S", "M", "L"],
        ),
        (
            SIZES.assign(size=pd.Categorical(SIZES["size"], ["S", "M", "L", "XL"], ordered=True)),
            {"size": ("ordinal", ["L", "M", "S"])},
            ["L", "M", "S"],
        ),
        (
            SIZES.assign(size=pd.Categorical(SIZES["size"], ["S", "M", "L"])),
            {"size": "ordinal"},
            ["L", "M", "S"],
        ),
    ],
    ids=["sorted", "given", "unused", "array", "tuple", "dtype", "given-before-dtype", "dtype-without-order"],
)
@pytest.mark.filterwarnings("ignore::sklearn_mtl.exceptions.TaskTypeWarning")
def test_the_order_is_the_one_given_or_that_of_the_dtype_or_sorted(y, kind, classes):
    task_set, targets = read(y, kind)
    task = task_set.tasks[0]
    assert (task.kind, task.n_outputs, task.classes.tolist()) == ("ordinal", 3, classes)
    assert targets.values[:, 0].tolist() == [
        classes.index("S" if v is None else v) if v else 0 for v in ["M", "L", None, "S", "M"]
    ]
    decoded = task.decode(targets.values[:, 0])[targets.observed[:, 0]]
    assert decoded.tolist() == ["M", "L", "S", "M"]


def test_one_order_is_for_a_single_axis_and_for_all_tasks():
    kind = ("ordinal", [3, 1, 2])
    assert [task.classes.tolist() for task in read([1, 2, 3], kind)[0].tasks] == [[3, 1, 2]]
    both = read([[1, 2], [2, 3], [3, 1]], kind)[0].tasks
    assert [task.classes.tolist() for task in both] == [[3, 1, 2]] * 2


def test_two_ordered_classes_are_binary_in_their_order():
    task_set, targets = read(["low", "high"], ("ordinal", ["low", "high"]))
    assert (task_set.tasks[0].kind, task_set.tasks[0].classes.tolist()) == ("binary", ["low", "high"])
    assert targets.values.ravel().tolist() == [0, 1]


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (["S", "L"], r"gives task 'size' the order \['S', 'L'\], which misses \['M'\]; name all"),
        (
            ["S", "M", "L", "S"],
            "gives task 'size' the order .*, which names a class more than once; name all of its classes",
        ),
        (3, r"gives task 'size' the order 3, expected a list of its classes \['L', 'M', 'S'\], from"),
    ],
)
def test_an_order_that_is_none_is_refused(order, message):
    with pytest.raises(ValueError, match=f"Test: task_types {message}"):
        read(SIZES, {"size": ("ordinal", order), "n": "regression"})


NUMBER_KINDS = ["squared_error", "absolute_error", "huber", "quantile", "poisson"]


@pytest.mark.parametrize("kind", NUMBER_KINDS)
def test_every_loss_reads_numbers_and_their_holes(kind):
    task_set, targets = read([[1.5], [np.nan], [0.0]], kind)
    task = task_set.tasks[0]
    assert task.kind == ("regression" if kind == "squared_error" else kind)
    assert (task.n_outputs, task.level) == (3 if kind == "quantile" else 1, 0.5)
    assert targets.values.ravel().tolist() == [1.5, 0, 0]
    assert targets.observed.ravel().tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("levels", "middle"), [((0.05, 0.5, 0.95), 0.5), ([0.2, 0.7], 0.7), ((0.9,), 0.9), ((0.4, 0.6), 0.4)]
)
def test_the_middle_level_is_that_nearest_to_the_median(levels, middle):
    task_set, _ = read_tasks([1.0, 2.0], kind=("quantile", levels), owner="Test")
    assert (task_set.tasks[0].levels, task_set.tasks[0].level) == (tuple(levels), middle)


@pytest.mark.parametrize(
    "levels",
    [(0.0, 0.5), (0.5, 1.0), (0.5, 0.1), (0.5, 0.5), (), 0.5, ("a",), (np.nan,), (-0.1,), [[0.5]], {0.5: 1}],
    ids=str,
)
def test_levels_that_do_not_ascend_between_0_and_1_are_refused(levels):
    with pytest.raises(
        ValueError, match=r"Test: loss gives task 'y' the levels .*, expected levels between 0 and 1"
    ):
        read_tasks([1.0, 2.0], kind={"y": ("quantile", levels)}, argument="loss", owner="Test")


@pytest.mark.parametrize(
    ("kind", "levels"),
    [
        ("quantile", [(0.05, 0.5, 0.95)] * 2),
        (("quantile", (0.1, 0.9)), [(0.1, 0.9)] * 2),
        (("quantile", np.array([0.1, 0.9])), [(0.1, 0.9)] * 2),
        (["quantile", ("quantile", [0.5])], [(0.05, 0.5, 0.95), (0.5,)]),
        (("quantile", "huber"), [(0.05, 0.5, 0.95), ()]),
        (("quantile", ("quantile", (0.5,))), [(0.05, 0.5, 0.95), (0.5,)]),
        (("quantile", ("ordinal", [2.0, 1.0])), [(0.05, 0.5, 0.95), ()]),
        ({"b": ("quantile", (0.2,)), "a": "regression"}, [(), (0.2,)]),
    ],
    ids=str,
)
def test_levels_come_with_the_kind_of_one_task_or_of_all(kind, levels):
    y = pd.DataFrame({"a": [1.0, 2.5], "b": [1.0, 2.0]})
    assert [task.levels for task in read(y, kind)[0].tasks] == levels


def test_negative_counts_are_refused_by_row():
    with pytest.raises(ValueError, match="Test: task 'y' is 'poisson', and its label in row 2 is -1; counts"):
        read([1.0, np.nan, -1.0], "poisson")


def test_kinds_are_those_of_their_owner():
    with pytest.raises(
        ValueError, match=r"Test: loss says that task 'y' is 'binary', expected one of \['squared"
    ):
        read_tasks([1.0], kind="binary", among=NUMBER_KINDS, argument="loss", owner="Test")
    assert read_tasks([1, 2], kind={}, among=NUMBER_KINDS, owner="Test")[0].tasks[0].kind == "regression"
    assert read_tasks([1, 2], kind=None, among=["classification"], owner="Test")[0].tasks[0].kind == "binary"
