"""The model builder in a cell's output, as a person sees it and works with it.

The classes, roles and attributes that are looked for are those that `static/builder.js` lists at
its top. Whatever is done takes a moment in the kernel: ask `wait_for` what came of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .notebook import SECONDS, Notebook

__all__ = ["SMALL", "SMALL_NAMES", "BuilderView", "find_builder", "middle", "open_builder", "told"]

SMALL = """
SOURCE = '''
import keras
from keras import layers

model = keras.Sequential([
    keras.Input((8, 8, 1)),
    layers.Flatten(),
    layers.Dense(16, activation="relu"),
    layers.Dense(10, activation="softmax"),
])
'''
import json
import kerasnb
from kerasnb import layers, notebook

kerasnb.utils.set_random_seed(0)
b = notebook.Builder.from_code(SOURCE)
b
"""
SMALL_NAMES = ("input", "flatten", "dense", "dense_1", "output")


class BuilderView:
    """The builder in the output of a notebook's cell."""

    def __init__(self, notebook: Notebook, cell: int = 0):
        self.notebook, self.page = notebook, notebook.page
        self.root = notebook.cell(cell).locator(".kerasnb-builder")
        self.stage = self.root.locator(".stage")
        self.search = self.root.locator(".search")

    # Looking

    @property
    def names(self) -> list[str]:
        """The names of all boxes, from the top to the bottom."""
        return self.root.get_by_role("treeitem", include_hidden=True).all_text_contents()

    @property
    def chosen(self) -> list[str]:
        """The names of the boxes that are chosen."""
        return self.root.locator(".box.chosen .name").all_text_contents()

    @property
    def current(self) -> str:
        """The name of the box where the keyboard is."""
        return self.root.locator(".box.current .name").text_content()

    def wait_for(self, *names: str, seconds: float = SECONDS) -> float:
        """Wait until there are just these boxes, from the top to the bottom; how long it took."""
        self.stage.wait_for(timeout=1000 * seconds)

        def there() -> bool:
            return self.names == list(names)

        return self.notebook.until(there, f"the boxes are {names}, not {self.names}", seconds)

    def wait_until_done(self, action: str) -> None:
        """Wait until the last thing that was done is this, as the undo button tells."""
        undo = self.tool("Undo")
        title = f"Undo: {action}"
        self.notebook.until(lambda: undo.get_attribute("title") == title, title)

    def wait_until_chosen(self, *names: str) -> None:
        """Wait until just these boxes are chosen."""
        self.notebook.until(lambda: sorted(self.chosen) == sorted(names), f"{names} are chosen")

    def box(self, name: str) -> Any:
        """The box with that name."""
        named = self.page.locator(".name").filter(has_text=_all_of(name))
        return self.root.locator(".box", has=named)

    def line(self, name: str) -> Any:
        """The box with that name in the outline."""
        return self.root.get_by_role("treeitem").filter(has_text=_all_of(name))

    def region(self, name: str) -> Any:
        """A part of the builder by its name: "Layers", "Inspector", "Code", "Training", ..."""
        return self.root.get_by_role("region", name=name, exact=True)

    def tool(self, name: str) -> Any:
        """A button of the tool bar."""
        return self.region("Model").get_by_role("button", name=name, exact=True)

    def item(self, layer: str) -> Any:
        """A layer in the palette."""
        return self.region("Layers").get_by_role("button", name=layer, exact=True)

    def argument(self, name: str) -> Any:
        """The field of an argument in the inspector."""
        return self.region("Inspector").get_by_label(re.compile(rf"^{name}\b"))

    @property
    def problem(self) -> Any:
        """What is wrong with the chosen box, beside it on the canvas."""
        return self.root.locator(".popover .problem")

    def fix(self, words: str) -> Any:
        """A button that mends it."""
        return self.root.locator(".popover").get_by_role("button", name=words, exact=True)

    # By mouse

    def choose(self, name: str, *modifiers: str) -> None:
        """Click a box."""
        self.box(name).locator(".words").click(modifiers=list(modifiers))

    def write(self, argument: str, value: str) -> None:
        """Type into a field of the inspector, and leave it."""
        field = self.argument(argument)
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
            field.press("Tab")

    def drag(self, what: Any, to: Any) -> None:
        """Drag the middle of something to the middle of something else."""
        self.stage.scroll_into_view_if_needed()
        what.hover()
        self.page.mouse.down()
        self.page.mouse.move(*middle(to), steps=6)
        self.page.mouse.up()

    # By keys

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, where the keyboard is."""
        for key in keys:
            self.page.keyboard.press(key)

    def add(self, layer: str, key: str = "Enter") -> None:
        """Search a layer from the canvas and add it; the keyboard is on the canvas again then."""
        self.press("/")
        self.page.keyboard.type(layer)
        self.press(key, "Escape")

    def tab_to(self, what: Any) -> None:
        """Press Tab until the keyboard is at something."""
        for _ in range(40):
            if what.evaluate("what => what === document.activeElement"):
                return
            self.press("Tab")
        raise AssertionError(f"Tab does not lead to {what}")

    def type_into(self, argument: str, value: str) -> None:
        """Go from the canvas to the field of an argument, type into it, and come back."""
        self.press("Enter")
        self.tab_to(self.argument(argument))
        self.page.keyboard.type(value)
        self.press("Tab", "Escape")

    # Both

    def all_of(self, tool: str, way: Callable[[], None]) -> int:
        """Undo, or redo, until there is nothing left; how often that was."""
        button, count = self.tool(tool), 0
        while button.is_enabled():
            title = button.get_attribute("title")
            way()
            self.notebook.until(lambda t=title: button.get_attribute("title") != t, f"not {title}")
            count += 1
        return count


def open_builder(notebook: Notebook, setup: str, *cells: str) -> BuilderView:
    """A notebook with a builder in its first cell, and further cells that have not run."""
    notebook.new([setup, *cells])
    assert notebook.run(0).wait(60), notebook.text(0)
    return find_builder(notebook)


def find_builder(notebook: Notebook, cell: int = 0) -> BuilderView:
    """The builder in the output of a cell, on the screen."""
    view = BuilderView(notebook, cell)
    view.stage.wait_for()
    view.stage.scroll_into_view_if_needed()
    return view


def told(notebook: Notebook, cell: int) -> str:
    """Run a cell; what it prints."""
    assert notebook.run(cell).wait(), notebook.text(cell)
    return notebook.text(cell)


def middle(what: Any) -> tuple[float, float]:
    """The place on the page of the middle of something."""
    box = what.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def _all_of(text: str) -> re.Pattern:
    return re.compile(f"^{re.escape(text)}$")
