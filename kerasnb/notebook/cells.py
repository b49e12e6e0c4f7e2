"""Running the body of a cell magic as the cell itself would run. Imports IPython."""

from __future__ import annotations

import ast
import inspect
import traceback
from types import TracebackType
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.error import UsageError

__all__ = ["has_traceback", "run_body"]


def run_body(shell: Any, cell: str, namespace: dict | None = None) -> None:
    """Run the body of a cell magic as the cell itself would run.

    The value of a last expression is displayed. An error comes out of here, and the shell will
    show for it just the frames of the body and below. Only `await` is not possible: a magic is
    called by the loop that would have to wait.

    Args:
        shell: whose body it is.
        cell: the body.
        namespace: where to run it, without displaying a value; the user's if not given.

    Raises:
        UsageError: the body waits with `await`; nothing of it has run.
        BaseException: whatever the body raises.
    """
    # so that numbers of lines are the cell's: one for the magic, and those that `transform_cell`
    # takes off
    above = 1 + next((i for i, line in enumerate(cell.split("\n")) if line.strip()), 0)
    source = "\n" * above + shell.transform_cell(cell)
    number = shell.displayhook.prompt_count  # versions differ on when execution_count goes up
    name = shell.compile.cache(source, number, raw_code="\n" + cell)
    scopes = (shell.user_global_ns, shell.user_ns) if namespace is None else (namespace,)
    try:
        nodes = shell.transform_ast(shell.compile.ast_parse(source, filename=name)).body
        if _waits(nodes, name):
            raise UsageError(
                "await does not work in a cell with %%backend or %%timefit: "
                "wait in a cell of its own."
            )
        shown = 0 if namespace is not None else _count_shown(shell, nodes, source)
        for i, node in enumerate(nodes):
            if i < len(nodes) - shown:
                code = shell.compile(ast.Module([node], []), name, "exec")
            else:
                code = shell.compile(ast.Interactive([node]), name, "single")
            exec(code, *scopes)
    except SyntaxError as error:
        raise _misspelt(shell, error, name) from None
    except BaseException as error:
        frames = _frames_from(name, error)
        if frames is not None and not has_traceback(error):
            lines = shell.InteractiveTB.structured_traceback(
                type(error), error, frames, tb_offset=0
            )
            error._render_traceback_ = lambda: lines  # IPython asks an error for it
        raise


def _waits(nodes: list[ast.stmt], name: str) -> bool:
    """Whether code waits outside of functions, which a cell may do."""
    module = ast.Module(nodes, [])
    code = compile(module, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    return bool(code.co_flags & inspect.CO_COROUTINE)


def has_traceback(error: BaseException) -> bool:
    """Whether it comes from code that `run_body` ran."""
    return hasattr(error, "_render_traceback_")


def _count_shown(shell: Any, nodes: list[ast.stmt], source: str) -> int:
    """How many of the last statements display their values, as the shell is set."""
    if not nodes or DisplayHook.semicolon_at_end_of_expression(source):
        return 0
    expression = isinstance(nodes[-1], ast.Expr)
    return {"none": 0, "last": 1, "all": len(nodes)}.get(shell.ast_node_interactivity, expression)


def _frames_from(name: str, error: BaseException) -> TracebackType | None:
    """The traceback from the code called `name` downwards."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename != name:
        frames = frames.tb_next
    return frames


def _misspelt(shell: Any, error: SyntaxError, name: str) -> Exception:
    """`error` as one that the shell will show as it shows the error of a cell.

    It asks no `SyntaxError` how it is to be shown, and would list all frames above.
    """
    frames = traceback.extract_tb(_frames_from(name, error))
    lines = shell.SyntaxTB.structured_traceback(type(error), error, frames)
    kind = type(type(error).__name__, (Exception,), {"_render_traceback_": lambda _: lines})
    return kind(str(error))
