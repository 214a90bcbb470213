"""What scikit-learn asks of every estimator, with default parameters."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_mtl import MultiTaskAttentionClassifier, MultiTaskAttentionRegressor


@parametrize_with_checks([MultiTaskAttentionRegressor(), MultiTaskAttentionClassifier()])
def test_scikit_learns_checks_pass(estimator, check):
    check(estimator)
