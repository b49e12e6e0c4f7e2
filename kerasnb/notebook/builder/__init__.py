"""The visual model builder: a graph of layers that is a canvas, Python code and a live model.

- The graph as plain data: `document`, with `naming` for the names that are shown. `edits` and
  `parts` are what can be done to it, one function an action.
- What layers there are: `palette`, `signatures`; `values` reads what a person types.
- What is known of a graph, and what is wrong: `checking` with `walking`, `calls`, `troubles` and
  `advice`; what would mend it: `fixes`, `fixes_of_shapes`, `mending`.
- The live model: `building` makes it of a graph, `reading` makes a graph of it.
- Code: `code` with `code_order`, `code_names` and `code_values` writes it; `parsing` and the
  modules named after it read it, and never run it.
- A person at work: `session` has what was done, and obeys; `geometry` places boxes, `view` tells
  the page, `picture` draws, `keeping` leaves something in a saved notebook.
- Training: `training` with `data`, `presets` and `targets`; `looking` and `sight` show what goes on
  inside. `exercise` and `goals` are for teachers, `playground` is ready to play.
- `widget` is the `Builder`, `page` its side in the browser, with ``static/builder.js``.
"""
