"""The command ``autograder``; each subcommand is a call of one function, imported when it is needed."""

from __future__ import annotations

import io
import signal
import sys
from pathlib import Path
from typing import Any

import click

from autograder import __version__
from autograder.errors import AutograderError, SandboxUnavailable
from autograder.wording import WAITING, counted, gathered

CODES = """\b
Exit codes:
  0    the batch is through, whatever the submissions were
  1    something else went wrong, such as a full disk; for validate: a check misses a mistake or fails a right answer
  2    wrong usage: no such assignment, course folder, student or option
  3    this machine cannot isolate student code; nothing was graded
  4    the instructor's notebook or nbgrader_config.py cannot be used
  5    the gradebook cannot be used, or another grader is at work
  6    grading processes did not start, or Dask's scheduler cannot be reached
  130  stopped by Ctrl-C or SIGTERM; run the command again to go on
"""
SHOWN = 40  # lines of a summary
COURSE_DIR = click.option(
    "--course-dir",
    default=".",
    show_default="this folder",
    type=click.Path(path_type=Path),
    help="The course folder: nbgrader_config.py, source/, submitted/.",
)
JOBS = click.option("--jobs", type=click.IntRange(1), metavar="N", help="Worker processes.  [default: one a core]")
DB = click.option("--db", default="", metavar="URL", help="The gradebook.  [default: as configured, or gradebook.db]")


class _Group(click.Group):
    """Turns the engine's errors into one line and an exit code."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except AutograderError as error:
            click.echo(f"autograder: {error}", err=True)
            context.exit(error.exit_code)
        except KeyboardInterrupt:
            grading = context.invoked_subcommand == "grade"
            go_on = "what was graded is kept, run the command again to go on" if grading else "run the command again"
            click.echo(f"autograder: stopped; {go_on}", err=True)
            # Where it came while a text was evaluated, as dataclass() does, Python would end by SIGINT whatever the
            # exit code is, until it evaluates another (CPython, run_eval_code_obj).
            eval("None")
            context.exit(130)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]}, epilog=CODES)
@click.version_option(__version__)
def main() -> None:
    """Grade the notebooks of an nbgrader course: student code in a sandbox, tests in a process of their own."""
    if sys.platform == "win32":
        raise SandboxUnavailable("The engine runs on Linux alone: use WSL 2, a virtual machine or a container.")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a letter that the terminal lacks is "?"; stderr escapes it anyhow


@main.command(epilog=CODES, short_help="Grade what students handed in.")
@click.argument("assignment")
@click.argument("more", nargs=-1, metavar="")  # of --student, which Click gives one value
@COURSE_DIR
@click.option("--student", "students", multiple=True, metavar="ID ...", help="Only this student, or these.")
@JOBS
@DB
@click.option("--scheduler", default="", metavar="ADDRESS", help="Grade on a Dask cluster, tcp://host:port.")
@click.option("--force", is_flag=True, help="Grade again what is graded and unchanged.")
def grade(
    assignment: str,
    more: tuple[str, ...],
    course_dir: Path,
    students: tuple[str, ...],
    jobs: int | None,
    db: str,
    scheduler: str,
    force: bool,
) -> None:
    """Grade submitted/*/ASSIGNMENT/ into the gradebook, autograded/ and feedback/.

    What was graded before and is unchanged is left alone, unless something outside disturbed it. Scores and comments
    that people entered are kept. A line for each submission goes to .autograder/log.jsonl, and a copy of the gradebook
    to .autograder/backups/.
    """
    if more and not students:
        raise click.UsageError(f"Got unexpected extra argument ({more[0]}); students are named after --student.")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a scheduler's or a service manager's Ctrl-C
    from autograder.course import STATE
    from autograder.files import write_atomically
    from autograder.grade import grade as run

    summary = run(assignment, course_dir, students=students + more, jobs=jobs, db=db, scheduler=scheduler, force=force)
    late = {student: f", less {points:.4g} for lateness" for student, points in summary.late.items()}
    _list(
        [
            f"{who:24} {score:8.2f} of {most:g}{late.get(who, '')}"
            for who, (score, most) in sorted(summary.scores.items())
        ]
    )
    click.echo(
        f"{summary.graded} graded, {summary.unchanged} unchanged, {summary.failed} failed, in {summary.seconds:.1f} s"
    )
    for note in summary.notes:
        click.echo(note)
    if summary.changed:
        what = counted(len(summary.changed), "score changed, told in", "scores changed, all of them in")
        click.echo(f"{what} {summary.changes}")
    _list([f"  {student}: {change}" for student, change in sorted(summary.changed.items())])
    if summary.earlier:
        click.echo(f"an earlier submission counts for {len(summary.earlier)}")
    _list(
        [f"  {student}: {counted(a, 'point')}, {b:g} the last" for student, (a, b) in sorted(summary.earlier.items())]
    )
    if summary.written:
        now = " in what was graded now" if summary.unchanged else ""
        click.echo(f"{counted(summary.written, *WAITING)} for a person's grade{now}")
    people = gathered(sorted(summary.people, key=lambda told: told[0]))
    told = [f"look at {who}: {reason}" for who, reason in people]
    whole = Path(STATE, "look_at.txt")  # all lines of the newest summary that was cut
    if len(told) > SHOWN:
        write_atomically(course_dir / whole, "".join(f"{line}\n" for line in told), 0o644)
    _list(told, f" in {whole}")


def _list(lines: list[str], place: str = "") -> None:
    """Not more than a screen of them."""
    for line in lines[:SHOWN]:
        click.echo(line)
    if len(lines) > SHOWN:
        click.echo(f"... and {len(lines) - SHOWN} more{place}")


@main.command(epilog=CODES, short_help="Grade the grader, before the term.")
@click.argument("assignment")
@COURSE_DIR
@JOBS
@click.pass_context
def validate(context: click.Context, assignment: str, course_dir: Path, jobs: int | None) -> None:
    """Grade the grader: the reference, the blank release, and every right and wrong answer of the course.

    c.Answers.folder or c.Answers.module in nbgrader_config.py says where the answers are. Prints which check caught
    which mistake, and exits with 1 on any miss. Nothing goes into the gradebook.
    """
    from autograder.validate import validate as run
    from autograder.validation_report import report

    found = run(assignment, course_dir, jobs=jobs)
    for line in report(found):
        click.echo(line)
    context.exit(1 if found.misses else 0)


@main.command(epilog=CODES, short_help="Show how an assignment went.")
@click.argument("assignment")
@COURSE_DIR
@DB
def report(assignment: str, course_dir: Path, db: str) -> None:
    """Show how ASSIGNMENT went: reports/ASSIGNMENT.html in the course folder, and a JSON beside it."""
    from autograder.report import report as run

    click.echo(run(assignment, course_dir, db=db))


@main.command(epilog=CODES, short_help="Tell where scores are from.")
@click.argument("assignment")
@click.argument("student", required=False)
@COURSE_DIR
@DB
def history(assignment: str, student: str | None, course_dir: Path, db: str) -> None:
    """Show where each score of ASSIGNMENT is from, of all or of one STUDENT: every change since the first grading.

    A line tells when (UTC), who, which check, from which points to which, and the origin: auto (a check), manual or
    extra credit (a person), late (the penalty of a notebook), extension (days, not points). Behind all but the last
    stand the first digits of two digests: of what was handed in, and of checks, settings and grader together. Different
    digits mean that it was changed in between.
    """
    from autograder.changes import history as run

    for line in run(assignment, course_dir, student=student, db=db):
        click.echo(line)


class Days(click.types.FloatParamType):
    """The type of ``--days``: a number, such as 2 or 0.5."""

    name = "number of days, such as 2 or 0.5"


@main.command(epilog=CODES, short_help="Give somebody more time.")
@click.argument("assignment")
@click.argument("student")
@click.option("--days", type=Days(), required=True, metavar="N", help="0 takes them back.")
@COURSE_DIR
@DB
def extend(assignment: str, student: str, days: float, course_dir: Path, db: str) -> None:
    """Give one STUDENT N days more for ASSIGNMENT, before or after it was handed in or graded.

    Another extension takes the place of an earlier one. Prints when it is due now; `autograder grade` then counts
    lateness from there. It stands in `autograder history`.
    """
    from autograder.enrolled import extend as run

    click.echo(run(assignment, student, days, course_dir, db=db))


@main.command(epilog=CODES, short_help="Write the scores for a platform.")
@click.argument("assignment")
@COURSE_DIR
@click.option("--format", "kind", default="csv", show_default=True, metavar="FORMAT", help="One of those above.")
@click.option("--to", type=click.Path(path_type=Path), help="Where to write.  [default: exports/ of the course]")
@DB
def export(assignment: str, course_dir: Path, kind: str, to: Path | None, db: str) -> None:
    """Write the scores of ASSIGNMENT for a spreadsheet or another system, manual scores and lateness included.

    \b
    csv                    a row a student, a column a check
    canvas, moodle         what their gradebooks import
    canvas-feedback        no scores, but all feedback pages in a zip, under the names by which Canvas takes them back
    moodle-feedback        the same for Moodle, of submissions that came by `autograder collect`
    gradescope             results.json, in a folder for each student
    gradescope-autograder  no scores, but the zip that makes this engine grade ASSIGNMENT in Gradescope
    """
    from autograder.export import export as run

    notes: list[str] = []
    click.echo(run(assignment, course_dir, kind=kind, to=to, db=db, tell=notes.append))
    _list(notes)


@main.command(epilog=CODES, short_help="Take in what a platform exported.")
@click.argument("assignment")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...", type=click.Path(path_type=Path))
@COURSE_DIR
@click.option(
    "--roster", type=click.Path(path_type=Path), metavar="CSV", help="Columns id, name, email, lms_id, submitted."
)
@DB
def collect(assignment: str, sources: tuple[Path, ...], course_dir: Path, roster: Path | None, db: str) -> None:
    """Put submissions of ASSIGNMENT into submitted/, from zip files as downloaded or folders.

    Canvas, Moodle, Blackboard and nbgrader's exchange (its folder inbound) are recognized by the names they give, and
    so are folders like ada/ASSIGNMENT.ipynb. With a roster, its students get their entries in the gradebook. The
    roster needs the column id; name ("Last, First" where a family name has several words), email and lms_id (the
    platform's number of a student) help to match, submitted tells a time like "2026-03-02 11:58:00 UTC" where the
    platform does not. The last of several is kept.
    """
    from autograder.collect import collect as run
    from autograder.collect import lines

    for line in lines(run(assignment, sources, course_dir, roster=roster, db=db)):
        click.echo(line)


if __name__ == "__main__":
    main()
