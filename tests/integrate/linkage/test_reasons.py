from chengyi.integrate.linkage import REASONS


def test_every_reason_speaks_both_languages() -> None:
    assert all(text.zh and text.en and text.zh != text.en for text in REASONS.values())


def test_texts_are_distinct() -> None:
    assert len({text.zh for text in REASONS.values()}) == len(REASONS)
