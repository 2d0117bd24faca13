"""The visitor reads forms as a browser would send them."""

from openbwv.demo.pages import _Reader

HTML = """
<script>ignored</script><h1>Ask for footage</h1><a href="/a/1">First <b>recording</b></a>
<form method="post" action="/ask/"><input type="hidden" name="token" value="t">
<input name="name" type="text">
<input type="checkbox" name="sound" value="yes"><input type="checkbox" name="mine" value="1" checked>
<input type="radio" name="kind" value="me"><input type="radio" name="kind" value="other" checked>
<select name="place"><option value="camden">Camden</option><option value="lewisham" selected>Lewisham</option></select>
<select name="unit"><option value="a">A</option><option value="b">B</option></select>
<textarea name="why">because</textarea><button name="go" value="on">Continue</button></form>
"""


def read():
    reader = _Reader()
    reader.feed(HTML)
    return reader


def test_a_form_holds_what_a_browser_would_send():
    (form,) = read().forms
    assert (form.method, form.action) == ("post", "/ask/")
    assert form.fields == {
        "token": ["t"],
        "name": [""],
        "mine": ["1"],
        "kind": ["other"],
        "place": ["lewisham"],
        "unit": ["a"],
        "why": ["because"],
    }
    assert form.buttons == [("go", "on", "Continue")]
    assert form.option("place", "camden") == "camden"
    assert form.options["unit"] == [("a", "A"), ("b", "B")]
    assert form.says("continue")
    assert form.says("/ask/")
    assert not form.says("delete")


def test_words_and_links_are_the_visible_ones():
    reader = read()
    assert "ignored" not in " ".join(reader.words)
    assert reader.links == [("/a/1", "First recording")]
