"""What can go wrong, as one sentence for a person and one exit code for a script."""


class AutograderError(Exception):
    """Base of every error that the command reports without a traceback."""

    exit_code = 1


class UsageError(AutograderError):
    """The command or a setting was wrong."""

    exit_code = 2


class SandboxUnavailable(AutograderError):
    """This machine cannot isolate student code; nothing was graded."""

    exit_code = 3


class CourseError(AutograderError):
    """The instructor's folder, notebook or configuration cannot be used."""

    exit_code = 4


class GradebookError(AutograderError):
    """The gradebook cannot be opened or written."""

    exit_code = 5


class WorkerError(AutograderError):
    """A grading process did not start or ended without an answer."""

    exit_code = 6


class ProtocolError(AutograderError):
    """Bytes from the student's process are not what the protocol allows."""


class BoundaryError(TypeError):
    """A test asked for something that cannot cross to or from the student's process.

    An instructor's error, shown by ``autograder validate``: the message says how to write the test instead.
    """
