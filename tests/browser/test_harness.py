"""The harness itself: it sees what it must see, and finds what must fail a test."""

import pytest
from nbformat import v4

from .accessibility import serious_findings
from .places import everywhere

COUNTER = '''
import anywidget, traitlets

class Counter(anywidget.AnyWidget):
    _esm = """
    function render({ model, el }) {
        const button = document.createElement("button");
        button.className = "counter";
        const show = () => { button.textContent = `clicked ${model.get("value")}`; };
        button.addEventListener("click", () => { model.send({ op: "click" }); });
        model.on("change:value", show);
        show();
        el.append(button);
    }
    export default { render };
    """
    value = traitlets.Int(0).tag(sync=True)

    def __init__(self):
        super().__init__()
        self.on_msg(lambda *_: self.set_trait("value", self.value + 1))

counter = Counter()
counter
'''


@everywhere
def test_a_widget_is_seen_and_answers(notebook, place, axe):
    notebook.new([COUNTER, "import ipykernel; print(ipykernel.__version__)"])
    assert notebook.run(0).wait()
    button = notebook.output(0).locator("button.counter")
    button.click()
    notebook.until(lambda: button.inner_text() == "clicked 1", "the kernel has counted")
    axe(button)
    assert notebook.run(1).wait()
    wanted = place.kernel.partition("-")[2]
    assert notebook.text(1).startswith(wanted)
    dark = notebook.page.locator("body").get_attribute("data-jp-theme-light") == "false"
    assert dark == (place.theme == "JupyterLab Dark")


def test_a_theme_can_be_changed(notebook):
    notebook.new([])
    notebook.set_theme("JupyterLab Dark")
    body = notebook.page.locator("body")
    assert body.get_attribute("data-jp-theme-light") == "false"


def test_an_error_ends_run_all(notebook):
    notebook.new(["print('before')", "1 / 0", "print('after')"])
    assert not notebook.run_all().wait()
    assert [notebook.text(i) for i in range(3)] == [
        "before\n",
        "ZeroDivisionError: division by zero",
        "",
    ]


def test_an_interrupt_ends_a_cell(notebook):
    notebook.new(["import time\nprint('asleep')\ntime.sleep(60)"])
    run = notebook.run(0)
    notebook.output(0).get_by_text("asleep").wait_for()
    notebook.interrupt()
    assert not run.wait(5)
    assert "KeyboardInterrupt" in notebook.text(0)


def test_completions_are_those_on_the_screen(notebook):
    notebook.new(["keras_one, keras_two = 1, 2", ""])
    notebook.run(0).wait()
    assert notebook.complete(1, "keras_") == ["keras_one", "keras_two"]


def test_what_is_saved_is_seen_elsewhere_untrusted(notebook):
    script = "<b>bold</b><script>document.title = 'pwned'</script>"
    notebook.new([f'from IPython.display import HTML\nprint("text")\nHTML("{script}")'])
    notebook.run(0).wait()
    notebook.page.wait_for_function("() => document.title === 'pwned'")
    notebook.save()
    assert len(notebook.saved().cells[0].outputs) == 2
    notebook.kill_kernel()
    notebook.reopen_without_kernel()
    assert notebook.kernel_status() == "none"
    assert [t.strip() for t in notebook.output(0).all_inner_texts()] == ["text", "bold"]
    assert notebook.page.title() != "pwned"


def test_a_reload_keeps_the_kernel(notebook):
    notebook.new(["value = 41", "print(value + 1)"])
    notebook.run(0).wait()
    notebook.save()
    notebook.reload()
    notebook.run(1).wait()
    assert notebook.text(1) == "42\n"


def test_what_a_page_must_not_do_is_found(notebook):
    notebook.new([])
    notebook.page.evaluate("""async () => {
        console.error("a complaint");
        setTimeout(() => { throw new Error("a mistake"); });
        setTimeout(() => alert("a dialogue"));
        await fetch("http://192.0.2.1/data").catch(() => null);
        try { new WebSocket("ws://192.0.2.1/socket"); } catch { }
    }""")
    notebook.until(lambda: len(notebook.findings) >= 6, "everything is found", 5)
    found = " ".join(notebook.findings)
    notebook.findings.clear()
    for expected in (
        "console: a complaint",
        "uncaught: a mistake",
        "dialogue: a dialogue",
        "asked for http://192.0.2.1/data",
        "asked for ws://192.0.2.1/socket",
    ):
        assert expected in found


def test_lateness_is_that_of_a_busy_page(notebook):
    notebook.new([])
    with notebook.lateness() as late:
        notebook.page.evaluate("""() => new Promise(done => setTimeout(() => {
            const end = performance.now() + 300;
            while (performance.now() < end);
            done();
        }, 100))""")
    assert late[-1] == pytest.approx(300, abs=100)


def test_axe_finds_a_button_without_a_name(notebook):
    notebook.new([v4.new_markdown_cell("<p>Nothing</p>")])
    notebook.page.evaluate("""() => {
        const root = Object.assign(document.createElement("div"), { id: "without-a-name" });
        root.append(document.createElement("button"));
        document.body.append(root);
    }""")
    (finding,) = serious_findings(notebook.page.locator("#without-a-name"))
    assert finding.startswith("critical: Buttons must have discernible text (button-name)")
