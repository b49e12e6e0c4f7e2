"""What is told about training as it goes on: history, progress, early stopping, checkpoints.

Callbacks are plain Python and read numbers only; they import errors and tree at most.
"""

from kerasnb.callbacks.base import Callback
from kerasnb.callbacks.checkpoint import ModelCheckpoint
from kerasnb.callbacks.container import CallbackList
from kerasnb.callbacks.csv_logger import CSVLogger
from kerasnb.callbacks.early_stopping import EarlyStopping
from kerasnb.callbacks.functions import LambdaCallback, TerminateOnNaN
from kerasnb.callbacks.history import History
from kerasnb.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from kerasnb.callbacks.progress import ProgressBar

ProgbarLogger = ProgressBar  # Keras's name

__all__ = [
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ProgressBar",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]
