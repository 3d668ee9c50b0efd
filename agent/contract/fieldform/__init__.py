"""The pumper's form as both doors serve it: plain pages that work without JavaScript.

`fields.py` makes an entry's body of what a browser sends, `page.py` and `frame.py` draw, and
``static/`` holds the style and the script that adds drafts, live barrels and the wait for signal.
"""
