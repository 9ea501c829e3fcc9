"""Post text is written by others: what is shown is what is there, and nothing runs."""

from __future__ import annotations

import html
import re
import time
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from review_ui.hostile_text import difference, excerpt, highlighted, safe_text

TEXT = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("<>&\"'\u202e\u200b\u200d\ufeff\x07 \n")))
GHOST = re.compile(r'<span class="ghost" title="[^"<>]*">U\+([0-9A-F]{4,6})</span>')


def written(markup: str) -> str:
    """The text behind our markup, invisible characters restored."""
    inner = re.sub(r"</?(bdi|mark|ins)[^>]*>", "", str(markup))
    return html.unescape(GHOST.sub(lambda found: f"&#x{found.group(1)};", inner))


@given(TEXT)
def test_nothing_but_our_own_tags_is_in_the_markup(text):
    left = GHOST.sub("", str(safe_text(text)))
    assert re.sub(r"^<bdi dir='auto'>|</bdi>$", "", left).count("<") == 0


@given(TEXT)
def test_no_character_without_a_shape_is_left_invisible(text):
    shown = str(safe_text(text))
    hidden = [char for char in shown if unicodedata.category(char) in ("Cc", "Cf") and char not in "\n\t\u200d"]
    assert hidden == []


@given(TEXT.filter(lambda text: not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in text)))
def test_the_words_themselves_are_kept(text):
    assert written(safe_text(text)) == text


@given(TEXT, st.lists(st.tuples(st.integers(-5, 60), st.integers(-5, 60), st.floats(0, 1))))
def test_highlighting_changes_no_word_whatever_the_spans(text, spans):
    assert written(highlighted(text, spans)) == written(safe_text(text))


@given(TEXT, TEXT)
def test_a_difference_holds_the_whole_new_text(before, after):
    kept = re.sub(r"<del>.*?</del>", "", str(difference(before, after)), flags=re.DOTALL)
    assert written(kept) == written(safe_text(after))


def test_comparing_two_monotonous_texts_takes_no_reviewers_time():
    before = " ".join(str(place % 7) for place in range(1_999))
    after = " ".join(str(place * 3 % 7) for place in range(1_999))
    began = time.process_time()
    shown = str(difference(before, after))
    assert time.process_time() - began < 5
    assert written(re.sub(r"<del>.*?</del> ", "", shown)) == after


def test_a_direction_override_is_named_instead_of_obeyed():
    shown = str(safe_text("aman \u202eterbalik"))
    assert "\u202e" not in shown
    assert "RIGHT-TO-LEFT OVERRIDE" in shown


def test_a_family_emoji_stays_whole_and_a_hidden_joiner_does_not():
    assert str(safe_text("👨\u200d👩\u200d👧")) == "<bdi dir='auto'>👨\u200d👩\u200d👧</bdi>"
    assert "U+200D" in str(safe_text("pi\u200dlih"))


def test_an_excerpt_is_one_line_that_says_when_there_is_more():
    assert excerpt("a\nb", 10) == "a b"
    assert excerpt("x" * 20, 10) == "x" * 9 + "…"


def test_a_post_cannot_put_markup_or_a_link_on_the_page(site):
    hostile = '<img src=x onerror=alert(1)> https://evil.example/ {{ 7*7 }} "><script>'
    flag = site.world.ready_flag(hostile)
    browser = site.sign_in("supervisor1")
    for path in ("/telaah", f"/temuan/{flag.id}"):
        page = browser.get(path).text
        assert "<img src=x" not in page
        assert "<script>" not in page
        assert 'href="https://evil.example' not in page
        assert "{{ 7*7 }}" in page


def test_the_way_to_the_original_page_tells_nobody_where_we_come_from(site):
    flag = site.world.ready_flag()
    page = site.sign_in("supervisor1").get(f"/temuan/{flag.id}").text
    links = re.findall(r'<a [^>]*href="https?:[^>]*>', page)
    assert links
    assert all("noreferrer" in link for link in links)
