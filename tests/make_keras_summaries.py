"""Write ``keras_summaries.txt``: what Keras 3 prints for the models of `summary_cases`.

Run it where Keras is installed, in a terminal of any size: ``python tests/make_keras_summaries.py``
"""

import os
from pathlib import Path

os.environ["COLUMNS"] = "160"  # rich and Keras ask for it

import keras
from summary_cases import CASES


def main() -> None:
    parts = [f"# Keras {keras.__version__}, written by make_keras_summaries.py\n"]
    for name, (make, arguments) in CASES.items():
        keras.utils.clear_session()
        make(keras).summary(
            print_fn=lambda text, name=name: parts.append(f"===== {name}\n{text}"), **arguments
        )
    path = Path(__file__).with_name("keras_summaries.txt")
    path.write_text("".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
