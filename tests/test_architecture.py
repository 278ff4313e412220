"""The page on the architecture is that of the imports."""

from architecture import PAGE, filled


def test_the_page_shows_the_imports_as_they_are():
    page = PAGE.read_text("utf-8")
    assert filled(page) == page, "`make readme` writes it"
