"""``python -m kerasnb``."""

import os
import platform
import subprocess
import sys

import pytest

import kerasnb
from kerasnb import __main__ as cli
from kerasnb.errors import BackendError, MissingDependency

CLEAN = ("KERASNB_BACKEND", "KERAS_BACKEND", "KERASNB_ANNOUNCE", "KERASNB_HOME", "KERAS_HOME")


def run(*words, **environment):
    env = {k: v for k, v in os.environ.items() if k not in CLEAN} | environment
    command = [sys.executable, "-W", "error", "-m", "kerasnb", *words]
    return subprocess.run(command, env=env, capture_output=True, text=True)


def test_describes_what_is_in_use(tmp_path):
    done = run(KERASNB_HOME=str(tmp_path), KERAS_HOME=str(tmp_path))
    assert done.returncode == 0
    assert done.stderr == "Using NumPy backend.\n"
    assert [line.split(None, 1) for line in done.stdout.splitlines()[:5]] == [
        ["kerasnb", kerasnb.__version__],
        ["python", platform.python_version()],
        ["backend", "numpy"],
        ["device", f"CPU ({platform.machine()})"],
        ["engine", cli._engine(kerasnb.backends.current())],
    ]
    assert done.stdout.splitlines()[5:] == [
        "config file        none",
        "floatx             float32",
        "epsilon            1e-07",
        "image_data_format  channels_last",
    ]


def test_names_the_file_in_use_and_its_settings(tmp_path):
    file = tmp_path / "kerasnb.json"
    file.write_text('{"floatx": "float64", "announce": false}')
    done = run(KERASNB_HOME=str(tmp_path))
    assert done.stderr == ""
    assert f"config file        {file}\nfloatx             float64\n" in done.stdout


def test_mistake_in_the_settings_is_one_line(tmp_path):
    (tmp_path / "kerasnb.json").write_text('{"floatx": "float3"}')
    done = run(KERASNB_HOME=str(tmp_path), KERASNB_ANNOUNCE="0")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"ArgumentError: {tmp_path}/kerasnb.json, line 1, key 'floatx': Unknown floatx 'float3'. "
        "Did you mean 'float32' or 'float64' or 'float16'?\n"
    )


def test_unusable_backend_is_one_line(monkeypatch, capsys):
    def fail():
        raise BackendError("no driver")

    monkeypatch.setattr(cli.backends, "current", fail)
    with pytest.raises(SystemExit) as stop:
        cli.main([])
    assert stop.value.code == 1
    assert capsys.readouterr().err == "BackendError: no driver\n"


def test_demo_runs_the_demo(monkeypatch, capsys):
    calls = []
    monkeypatch.setattr(cli.demo, "main", lambda: calls.append("demo"))
    cli.main(["demo"])
    assert calls == ["demo"]
    assert capsys.readouterr().out == ""


def test_demo_without_its_packages_is_one_line(monkeypatch, capsys):
    def fail():
        raise MissingDependency("pip install this")

    monkeypatch.setattr(cli.demo, "main", fail)
    with pytest.raises(SystemExit):
        cli.main(["demo"])
    assert capsys.readouterr().err == "MissingDependency: pip install this\n"


def test_unknown_command(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["dmeo"])
    assert stop.value.code == 2
    assert "invalid choice: 'dmeo'" in capsys.readouterr().err


SCRIPT = """
import sys
import numpy as np
import kerasnb
model = kerasnb.Sequential([kerasnb.Input((4,)), kerasnb.layers.Dense(3)], name="small")
model.compile("sgd", "mse")
model.fit(np.ones((10, 4)), np.ones((10, 3)), batch_size=5, verbose=0)
print(sys.argv[1:], __name__)
"""


def test_profiles_the_models_of_a_script(tmp_path):
    pytest.importorskip("llvmlite", reason="native code needs llvmlite: pip install llvmlite")
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    done = run("profile", str(script), "--epochs", "3", KERASNB_ANNOUNCE="0")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "['--epochs', '3'] __main__"
    assert lines[2].startswith("train step of small, batch of 5: ")
    assert any(line.startswith("matmul 5x4x3 ") for line in lines)


def test_says_what_there_is_to_profile(tmp_path):
    script = tmp_path / "none.py"
    script.write_text("x = 1")
    done = run("profile", str(script))
    assert done.returncode == 1
    assert done.stderr == (
        f"ArgumentError: profile: after {str(script)!r} no global name is a model that was trained "
        "or used. Keep the model in one, or call model.profile(x, y) in the script.\n"
    )
    assert run("profile", "absent.py").stderr == (
        "ArgumentError: profile: there is no file 'absent.py'.\n"
    )


def test_says_what_the_engine_is(monkeypatch):
    backend = kerasnb.backends.current()
    monkeypatch.setattr(cli.llvm, "available", lambda: False)
    expected = "operation by operation (NumPy); pip install llvmlite for native kernels"
    assert cli._engine(backend) == expected
    monkeypatch.undo()
    monkeypatch.setenv("KERASNB_NUM_THREADS", "3")
    assert cli._engine(backend).startswith("native kernels (")
    assert cli._engine(backend).endswith(", 3 threads)")
