"""The visual model builder: a graph of layers that is a canvas, Python code and a live model.

- `document` is the graph as plain data, `edits` and `parts` what can be done to it, one function an
  action.
- `palette` tells what layers there are, from their classes; `checking` what a graph's tensors are,
  and what is wrong; `fixes` what would mend it; `building` makes the live model.
- `code` writes a graph as Keras code and `parsing` reads such code, without running it.
- `widget` shows it all, with ``static/builder.js``.
"""
