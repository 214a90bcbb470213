import pytest

from benchmarks import tables
from benchmarks.run import SUITES, parse


@pytest.mark.parametrize("suite", SUITES)
def test_tables_of_every_suite_have_their_place(suite):
    text = tables.README.read_text(encoding="utf-8")
    assert text.count(f"<!-- {suite}: made by benchmarks.run -->") == 1
    assert text.count(f"<!-- end of {suite} -->") == 1


@pytest.mark.parametrize("suite", SUITES)
def test_all_of_a_suite_is_the_default(suite):
    args = parse([suite])
    assert args.datasets == list(SUITES[suite].DATASETS)
    assert args.methods == list(SUITES[suite].METHODS)


def test_methods_of_other_suites_are_refused(capsys):
    assert parse(["mtr", "--methods", "ridge"]).methods == ["ridge"]
    with pytest.raises(SystemExit):
        parse(["loop", "--methods", "ridge"])
    assert "loop has no methods ['ridge']" in capsys.readouterr().err
