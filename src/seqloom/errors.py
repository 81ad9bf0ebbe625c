"""The exceptions that users may see.

A message says what was wrong, where (file and line), what was expected and what to do. The command line prints that one
message and exits with status 2; any other exception is a bug and keeps its traceback.
"""


class SeqloomError(Exception):
    """Something that the user can mend; the base of all errors that seqloom raises on purpose."""


class ConfigError(SeqloomError):
    """A recipe, an option or a combination of settings is wrong."""


class UnknownKeyError(ConfigError):
    """Settings have keys that do not exist, and are right apart from them."""


class CorpusError(SeqloomError):
    """Input data cannot be read, or does not contain what was expected."""


class CheckpointError(SeqloomError):
    """A run folder or a checkpoint is missing, damaged, or belongs to another run or model."""


class TrainingError(SeqloomError):
    """Training cannot continue, for example because the loss is not a finite number."""


class DecodingError(SeqloomError):
    """A model cannot generate what was requested."""


class PromptTooLongError(DecodingError):
    """A prompt does not fit the context of a language model."""


class FictionError(SeqloomError):
    """A story, a saved game or a command log cannot be used, or an interpreter failed or exceeded its time limit."""


class OutputError(SeqloomError):
    """A file or a folder cannot be written; an older file of that name is unchanged."""
