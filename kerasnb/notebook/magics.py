"""The magics ``%backend``, ``%builder``, ``%summary``, ``%seed`` and ``%%timefit``; loading them.

Imports IPython, cells, completion, timing and what lies below. ``%load_ext kerasnb`` ends up in
`load`.
"""

from __future__ import annotations

import difflib
import gc
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import (
    MagicAlias,
    Magics,
    cell_magic,
    line_cell_magic,
    line_magic,
    magics_class,
)
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring

from kerasnb import backends, config, utils
from kerasnb.backends import Switch
from kerasnb.errors import BackendError, KerasnbError
from kerasnb.models.model import Model
from kerasnb.notebook.builder.widget import Builder
from kerasnb.notebook.cells import has_traceback, run_body
from kerasnb.notebook.completion import matcher, models_in
from kerasnb.notebook.fit_times import FitTimes
from kerasnb.notebook.timing import ENGINES, backend_name, timefit

__all__ = ["KerasnbMagics", "load", "unload"]

NAME = "KerasnbMagics"


@magics_class
class KerasnbMagics(Magics):
    """The magics of one shell.

    Attributes:
        before: what had the magics' names before, by kind and name.
        matcher: what completes their arguments.
        last_seed: the one that ``%seed`` set last.
    """

    def __init__(self, shell: Any):
        super().__init__(shell)
        table = shell.magics_manager.magics
        self.before = {
            (kind, name): table[kind].get(name)
            for kind in self.magics
            for name in self.magics[kind]
        }
        self.matcher = matcher(shell)
        self.last_seed: int | None = None

    @line_cell_magic
    @magic_arguments()
    @argument(
        "name",
        nargs="?",
        help="cpu (numpy), gpu (cupy), auto (gpu if it works here, else cpu), or the name of any "
        "other backend; without it, the present one is shown",
    )
    @argument(
        "-l", "--list", action="store_true", help="show all backends, and why one cannot work"
    )
    def backend(self, line: str, cell: str | None = None) -> None:
        """Show the backend, or switch all models to another, with their optimizers.

        ::

          %backend          which backend computes, on what device, for how many models
          %backend gpu      move every live model there; training goes on where it was
          %backend auto     the GPU if there is one that works
          %backend --list   which backends there are

          %%backend cpu     at the top of a cell: for this cell only
          model.fit(x, y)

        A model that is being trained in the background is moved between two of its steps. After a
        cell with ``%%backend`` everything goes back to where it was, after an error too.

        In Python: ``kerasnb.backend.use("cupy")``, and ``with kerasnb.backend.using("numpy"):``.
        """
        options = parse_argstring(self.backend, line)
        if cell is not None:
            if options.name is None:
                raise UsageError("%%backend needs the name of a backend: %%backend cpu")
            return self._backend_for_cell(options.name, cell)
        with told_plainly():
            if options.list:
                print(_listed())
            elif options.name is None:
                print(_shown())
            else:
                before = _current()
                print(_switched(_use(options.name), before))
        return None

    def _backend_for_cell(self, name: str, cell: str) -> None:
        with ExitStack() as stack:
            with told_plainly():
                gc.collect()
                stack.enter_context(backends.using(backend_name(name)))
            run_body(self.shell, cell)

    @line_magic
    @magic_arguments()
    @argument("model", nargs="?", help="a variable's name, or an expression without spaces")
    @argument("-n", "--nested", action="store_true", help="show the layers of models within it")
    @argument("-t", "--trainable", action="store_true", help="show which layers learn")
    def summary(self, line: str) -> None:
        """Print a table of a model's layers, their output shapes and parameters.

        ::

          %summary                  of the only model here; models within another do not count
          %summary model --nested

        In Python: ``model.summary(expand_nested=True, show_trainable=True)``.
        """
        options = parse_argstring(self.summary, line)
        names = models_in(self.shell.user_ns)
        model = self._named(options.model, names) if options.model else _only(names)
        model.summary(expand_nested=options.nested, show_trainable=options.trainable)

    @line_magic
    @magic_arguments()
    @argument("model", nargs="?", help="a variable's name, or an expression without spaces")
    def builder(self, line: str) -> Any:
        """Build a model by hand: empty, or beginning with a model that there is.

        ::

          %builder
          b = %builder model     and later b.model, b.to_code()

        In Python: ``kerasnb.notebook.Builder(model)``.
        """
        options = parse_argstring(self.builder, line)
        with told_plainly():
            if options.model is None:
                return Builder()
            return Builder(self._named(options.model, models_in(self.shell.user_ns)))

    def _named(self, expression: str, names: dict[str, Model]) -> Model:
        if expression.isidentifier() and expression not in self.shell.user_ns:
            close = difflib.get_close_matches(expression, names) or names
            raise UsageError(f"No variable is called {expression!r}. {_models(close)}")
        model = self.shell.ev(expression)
        if not isinstance(model, Model):
            raise UsageError(
                f"{expression} is no model, but of type {type(model).__name__}. {_models(names)}"
            )
        return model

    @line_magic
    @magic_arguments()
    @argument(
        "seed", nargs="?", type=int, help="from 0 to 2**32 - 1; without it, show the last one"
    )
    def seed(self, line: str) -> None:
        """Make what is random the same each time: first weights, shuffling, dropout.

        ::

          %seed 42

        Seeds Python's and NumPy's random numbers too.

        In Python: ``kerasnb.utils.set_random_seed(42)``.
        """
        seed = parse_argstring(self.seed, line).seed
        if seed is None and self.last_seed is None:
            print("%seed has set no seed yet.")
        elif seed is None:
            print(f"%seed has last set the seed {self.last_seed}.")
        else:
            with told_plainly():
                utils.set_random_seed(seed)
            self.last_seed = seed

    @cell_magic
    @magic_arguments()
    @argument(
        "-b", "--backends", nargs="+", default=[], metavar="NAME",
        help="cpu, gpu, auto or other names; all that work here if not given (with --engines only "
        "the present one)",
    )  # fmt: skip
    @argument(
        "-e", "--engines", nargs="+", default=[], metavar="NAME",
        help=f"out of {', '.join(ENGINES)}; what the model is compiled for if not given",
    )  # fmt: skip
    @argument("-r", "--repeat", type=int, default=1, help="timed runs of each; the median is shown")
    @argument(
        "-w", "--warmup", type=int, nargs="?", const=1, default=0,
        help="runs of each before, which are not timed; one if no number is given",
    )  # fmt: skip
    def timefit(self, line: str, cell: str) -> FitTimes:
        """Run the cell under several backends or engines, and compare the times of its fits.

        ::

          %%timefit -b cpu gpu
          model.fit(x, y, epochs=2)

          %%timefit --engines compiled eager --repeat 3 --warmup
          model.fit(x, y, epochs=2)

        Every run does the same work: before each, and at the end, all models are as they were
        before the cell, and so are random numbers. Variables that the cell assigns are dropped.
        Only `fit` is timed; its first step, which holds the tracing, is shown apart, and "speed"
        compares the steps after it. Fits print nothing.

        In Python: ``kerasnb.notebook.timefit(lambda: model.fit(x, y), ["numpy", "cupy"])``.
        """
        options = parse_argstring(self.timefit, line)
        with told_plainly():
            return timefit(
                lambda: run_body(self.shell, cell, dict(self.shell.user_ns)),
                backends=_split(options.backends),
                engines=_split(options.engines),
                repeat=options.repeat,
                warmup=options.warmup,
            )


def load(shell: Any) -> None:
    """Give `shell` the magics and their completion; nothing happens if it has them."""
    if NAME in shell.magics_manager.registry:
        return
    magics = KerasnbMagics(shell)
    shell.register_magics(magics)
    shell.Completer.custom_matchers.append(magics.matcher)


def unload(shell: Any) -> None:
    """Take away what `load` gave, and what was made of it; what was there before is there again."""
    magics = shell.magics_manager.registry.pop(NAME, None)
    if magics is None:
        return
    shell.Completer.custom_matchers.remove(magics.matcher)
    tables = shell.magics_manager.magics
    for (kind, name), earlier in magics.before.items():
        if tables[kind].get(name) is not magics.magics[kind][name]:
            continue  # somebody has put another in its place since
        if earlier is None:
            del tables[kind][name]
        else:
            tables[kind][name] = earlier
    for kind, name in magics.before:
        for alias, target in list(tables[kind].items()):
            if isinstance(target, MagicAlias) and target.magic_name == name not in tables[kind]:
                del tables[kind][alias]


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turn an error of the package into a `UsageError`, which is shown as one sentence.

    Not so an error of a cell's own code: it has its traceback (see `run_body`).
    """
    try:
        yield
    except KerasnbError as error:
        if has_traceback(error):
            raise
        raise UsageError(str(error)) from None


# Words


def _use(word: str) -> Switch:
    gc.collect()  # models that nobody can reach any more are not to be moved and counted
    return backends.use(backend_name(word))


def _where(name: str) -> str:
    backend = backends.get(name)
    return f"{backend.title}, {backend.device()}"


def _shown() -> str:
    gc.collect()
    count = len(_outermost(list(backends.models)))
    return f"{_where(backends.current().name)}: {_plural(count, 'live model')}"


def _current() -> str | None:
    """The name of the present backend; None if it is configured and does not work here."""
    try:
        return backends.current().name
    except BackendError:
        return None


def _switched(switch: Switch, before: str | None) -> str:
    if switch.name == before:
        return f"Already on {_where(switch.name)}"
    moved = "nothing had to move"
    if switch.arrays:
        count = switch.models
        what = _plural(count, "model") if count else _plural(switch.arrays, "array")
        moved = f"{what}, {_size(switch.nbytes)}, {switch.seconds * 1e3:.0f} ms"
    return f"Now on {_where(switch.name)}: {moved}"


def _listed() -> str:
    current, lines = _current(), []
    width = max(map(len, config.backend_names()))
    for name in config.backend_names():
        try:
            text = _where(name)
        except BackendError as error:
            text = f"does not work here: {error}"
        lines.append(f"{'*' if name == current else ' '} {name:{width}}  {text}")
    return "\n".join(lines)


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


def _size(nbytes: int) -> str:
    return f"{nbytes / 1e6:.1f} MB" if nbytes >= 1e5 else f"{nbytes / 1e3:.1f} kB"


def _models(names: Any) -> str:
    return f"Models: {', '.join(names)}." if names else "There is no model yet."


def _only(names: dict[str, Model]) -> Model:
    """The one model that is not part of another."""
    found = _outermost(names.values())
    if not found:
        raise UsageError("There is no model yet, or it has no name here.")
    if len(found) > 1:
        known = [name for name, model in names.items() if model in found]
        raise UsageError(
            f"Which model: {' or '.join(known)}? Say, for example: %summary {known[0]}"
        )
    return found[0]


def _outermost(models: Iterable[Model]) -> list[Model]:
    """Those that are not part of another, each once."""
    models = list({id(m): m for m in models}.values())
    within = {id(part) for m in models for part in m._flatten_layers() if part is not m}
    return [m for m in models if id(m) not in within]


def _split(words: list[str]) -> list[str] | None:
    """Names, whether commas are between them or spaces."""
    return [name for word in words for name in word.split(",") if name] or None
