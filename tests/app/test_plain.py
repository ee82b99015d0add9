from app.components.plain import plain


def test_every_mark_of_markdown_is_escaped():
    assert plain("![x](http://a.b/c.png) :red[y] $z$ <b>") == (
        r"\!\[x\]\(http\:\/\/a\.b\/c\.png\) \:red\[y\] \$z\$ \<b\>"
    )


def test_letters_digits_and_other_scripts_are_left_alone():
    assert plain("steps 10 Привет \N{GRINNING FACE}") == "steps 10 Привет \N{GRINNING FACE}"
