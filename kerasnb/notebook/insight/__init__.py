"""Looking inside a trained network: what it gets wrong, what its layers hold, pass on and learn.

Each part is a plain function that returns a matplotlib figure. `panel` puts them together for a
notebook; `matrix`, `pad` and `panel` are the only modules here that need widgets.
"""
