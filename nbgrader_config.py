"""The course's settings, for nbgrader's commands, for formgrader and for `autograder`.

It names no path: copied to another folder that has `source/` and `submitted/`, it configures a course there.
"""

c = get_config()  # noqa: F821 - nbgrader runs this file and provides the function

c.CourseDirectory.course_id = "normalization"

# A released task fails loudly and by name, so that a check says "write this part" and never compares with a blank.
c.ClearSolutions.code_stub = {"python": 'raise NotImplementedError("write this part")'}
c.ClearSolutions.text_stub = "*Write your answer here.*"
c.GenerateAssignment.create_assignment = True

# Student code runs in the autograder's sandbox, for `nbgrader autograde` and for formgrader's buttons alike.
c.Autograde.exporter_class = "autograder.preprocessor.Unread"
c.Autograde.sanitize_preprocessors = []
c.Autograde.autograde_preprocessors = ["autograder.preprocessor.GradeInSandbox"]
c.GenerateFeedback.exporter_class = "autograder.preprocessor.FeedbackExporter"

# formgrader's pages run with the instructor's rights: what a student wrote or printed does nothing there.
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.preprocessors = ["autograder.inert.Inert"]

# Where the known mistakes are that feedback names; without them a course is graded all the same.
c.Answers.module = "reference.answers"

# An answer that lets one of these do the differentiation is flagged for a person; a flag never changes a score.
# Those of normlab hold the graph, or import it.
c.Originality.modules = [
    *("normlab.graph", "normlab.gradcheck", "normlab.normcheck", "normlab.explorer", "normlab.plots"),
    *("autograd", "jax", "tensorflow", "torch"),
]

# A tenth of the score for each day begun since the deadline, but nothing in the first fifteen minutes; after five days
# nothing counts.
c.AssignLatePenalties.plugin_class = "autograder.late.LateDays"
c.LateDays.grace_minutes = 15
c.LateDays.penalty_per_day = 0.1
c.LateDays.last_day = 5

# The longest of the assignments runs in about fifteen seconds on one core.
c.Engine.limits = {"total_seconds": 120}

# Of several submissions of a student the last counts; with "best" all that came in are graded, and the best counts.
c.Engine.keep = "last"
