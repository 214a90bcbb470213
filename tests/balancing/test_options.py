import pickle
import sys

import pytest
from sklearn.base import clone

from sklearn_mtl.balancing import GradientBalancing, LossBalancing, read_balancing


def read(balancing):
    return read_balancing(balancing, owner="Example")


def test_the_mean_is_nothing_to_make():
    assert read("mean") is None


def test_a_string_is_the_options_with_their_defaults():
    assert read("dwa").get_params() == LossBalancing("dwa").get_params()
    assert read("cagrad").get_params() == GradientBalancing("cagrad").get_params()


CHOICES = (
    "'mean', 'uncertainty', 'dwa', 'geometric', 'imtl_l', 'famo', 'random', 'stch', 'pcgrad', 'gradvac', "
    "'cagrad', 'mgda', 'aligned', 'imtl_g', 'upgrad', 'nash', 'gradnorm'"
)


@pytest.mark.parametrize(
    ("balancing", "message"),
    [
        ("pcgrads", f"Example: balancing='pcgrads' is none of {CHOICES}."),
        (
            LossBalancing("pcgrad"),
            "Example: balancing__method='pcgrad' is none of 'uncertainty', 'dwa', 'geometric', 'imtl_l', "
            "'famo', 'random', 'stch'.",
        ),
        (
            GradientBalancing("dwa"),
            "Example: balancing__method='dwa' is none of 'pcgrad', 'gradvac', 'cagrad', 'mgda', 'aligned', "
            "'imtl_g', 'upgrad', 'nash', 'gradnorm'.",
        ),
        (
            GradientBalancing(on="heads"),
            "Example: balancing__on='heads' is none of 'representation', 'pooled', 'parameters'.",
        ),
        (
            GradientBalancing(solver="cvxpy"),
            "Example: balancing__solver='cvxpy' is none of 'batched', 'torchjd'.",
        ),
        (LossBalancing("dwa", temperature=0), "Example: balancing__temperature=0; expected a number > 0."),
        (LossBalancing(smoothing="a"), "Example: balancing__smoothing='a'; expected a number > 0."),
        (GradientBalancing(strength=-1), "Example: balancing__strength=-1; expected a number >= 0."),
        (GradientBalancing(momentum=1.5), "Example: balancing__momentum=1.5; expected a number from 0 to 1."),
        (
            GradientBalancing("gradnorm", solver="torchjd"),
            "Example: balancing__method='gradnorm' and balancing__solver='torchjd' do not go together; "
            "choose balancing__solver='batched', or a method of 'pcgrad', 'gradvac', 'cagrad', 'mgda', "
            "'aligned', 'imtl_g', 'upgrad', 'nash'.",
        ),
    ],
    ids=lambda value: "" if isinstance(value, str) and " " in value else str(value),
)
def test_what_cannot_be_used_is_named_with_the_choices_in_order(balancing, message):
    with pytest.raises(ValueError) as caught:
        read(balancing)
    assert str(caught.value) == message


def test_something_else_is_refused():
    with pytest.raises(TypeError, match=r"Example: balancing=3 is none of 'mean', .*, nor LossBalancing"):
        read(3)


def test_a_missing_package_is_named_with_the_way_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchjd", None)
    with pytest.raises(
        ImportError, match=r"Example: balancing: .* torchjd 0\.18; .* 'sklearn_mtl\[torchjd\]'"
    ):
        read(GradientBalancing("pcgrad", solver="torchjd"))


@pytest.mark.parametrize(
    "balancing", [LossBalancing("dwa", temperature=1.5), GradientBalancing(on="pooled")], ids=str
)
def test_options_are_cloned_and_pickled_whole(balancing):
    assert clone(balancing).get_params() == balancing.get_params()
    assert pickle.loads(pickle.dumps(balancing)).get_params() == balancing.get_params()
