"""The settings: types, epsilon, image data format, backend, and switches: ``kerasnb.config``.

This page only gathers them. They come from ``~/.kerasnb/kerasnb.json`` (another folder with
`KERASNB_HOME`) or, without that file, from an existing ``~/.keras/keras.json`` (`KERAS_HOME`), and
from the environment.
"""

from kerasnb.config.policy import DTypePolicy, dtype_policy, policy_of, set_dtype_policy
from kerasnb.config.settings import (
    CHECKS,
    announce,
    backend,
    backend_names,
    cache_folder,
    datasets_folder,
    epsilon,
    floatx,
    has_backend,
    home,
    image_data_format,
    num_threads,
    on_floatx_change,
    path,
    reload,
    save,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from kerasnb.config.switches import (
    disable_interactive_logging,
    disable_traceback_filtering,
    enable_interactive_logging,
    enable_traceback_filtering,
    is_interactive_logging_enabled,
    is_traceback_filtering_enabled,
    max_epochs,
    max_steps_per_epoch,
    set_max_epochs,
    set_max_steps_per_epoch,
)

__all__ = [
    "announce",
    "backend",
    "backend_names",
    "cache_folder",
    "datasets_folder",
    "disable_interactive_logging",
    "disable_traceback_filtering",
    "dtype_policy",
    "enable_interactive_logging",
    "enable_traceback_filtering",
    "epsilon",
    "floatx",
    "home",
    "image_data_format",
    "is_interactive_logging_enabled",
    "is_traceback_filtering_enabled",
    "max_epochs",
    "max_steps_per_epoch",
    "num_threads",
    "path",
    "reload",
    "save",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_max_epochs",
    "set_max_steps_per_epoch",
]
