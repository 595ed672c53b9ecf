"""Forms of lessons: a guess that is kept before its answer is shown, and the quiz. Both work by keyboard alone."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from html import escape

import anywidget
import ipywidgets as widgets

from xcrystal.errors import TargetError
from xcrystal.explorer.panel import script
from xcrystal.teaching import guesses, quizzes

_WIDE = widgets.Layout(width="auto", max_width="44em")


class FormKeys(anywidget.AnyWidget):
    """Leaves keys to the form that it lies in, which JupyterLab would take for its own."""

    _esm = script("form_keys")


class GuessForm(widgets.VBox):
    """A question with its options; the answer comes with a guess, and the guess stays.

    Attributes
    ----------
    guess
        The question and, once it was made, the guess.
    """

    def __init__(self, guess: guesses.Guess) -> None:
        self.guess = guess
        self._options = widgets.RadioButtons(options=list(guess.options), value=None, layout=_WIDE)
        self._reason = widgets.Text(placeholder="Why? (a few words, if you like)", layout=_WIDE)
        self._button = widgets.Button(description="Keep my guess", tooltip="Then the answer is shown")
        self._answer = widgets.HTML()
        self._button.on_click(lambda _: self.keep())
        self._options.observe(lambda _: self._draw(), names="value")
        self._name = f"xcrystal-guess-{secrets.token_hex(4)}"
        rule = f"<style>.{self._name} {{display: none}}</style>"
        question = widgets.HTML(f"{rule}<b>Predict.</b> {escape(guess.question)}")
        super().__init__([FormKeys(), question, self._options, self._reason, self._button, self._answer])
        self.add_class("xcrystal-form")
        if guess.guessed:
            self._options.value, self._reason.value = guess.guessed, guess.reason
        self._draw()

    def keep(self) -> None:
        """Keep what is chosen, and show the answer; nothing happens as long as nothing is chosen."""
        if self._options.value is not None:
            self.guess = guesses.keep(self.guess, self._options.value, self._reason.value)
            self._draw()

    def _draw(self) -> None:
        done = bool(self.guess.guessed)
        self._options.disabled = self._reason.disabled = done
        self._button.disabled = done or self._options.value is None
        self._answer.value = _told(self.guess) if done else ""

    def _ipython_display_(self) -> None:
        """Show the form and, for whoever reads the notebook without a kernel, the question as text.

        A style rule of the form hides the text; where there is no form there is no rule.
        """
        from IPython.display import HTML, display

        options = "".join(f"<li>{escape(option)}</li>" for option in self.guess.options)
        told = _told(self.guess) if self.guess.guessed else ""
        text = f"<p><b>Predict.</b> {escape(self.guess.question)}</p><ul>{options}</ul>{told}"
        display(HTML(f'<div class="{self._name}">{text}</div>'))
        display(self._repr_mimebundle_(), raw=True)


class QuizForm(widgets.VBox):
    """The twelve questions as a form, and a button that scores them.

    Attributes
    ----------
    quiz
        The questions, and what was answered.
    """

    def __init__(self, questions: quizzes.Quiz) -> None:
        self.quiz = questions
        self._score = widgets.HTML()
        self._button = widgets.Button(description="Score", tooltip="Count what is right")
        self._button.on_click(lambda _: self.score())
        parts: list[widgets.Widget] = []
        for number, options in questions.options.items():
            parts.append(widgets.HTML(f"<b>{number}.</b> {escape(quizzes.ITEMS[number - 1].words)}"))
            choice = widgets.RadioButtons(options=list(options), value=questions.answers.get(number), layout=_WIDE)
            choice.observe(lambda change, n=number: self.quiz.answer(n, change["new"]), names="value")
            parts.append(choice)
        super().__init__([FormKeys(), *parts, self._button, self._score])
        self.add_class("xcrystal-form")

    def score(self) -> None:
        """Show how many are right."""
        missing = [str(number) for number in self.quiz.options if number not in self.quiz.answers]
        try:
            found = self.quiz.score()
        except TargetError:
            self._score.value = "<p>Choose an option first.</p>"
            return
        note = f"<p>Not answered yet: {', '.join(missing)}.</p>" if missing else ""
        self._score.value = found._repr_html_() + note


def open_guess(question: str, options: Sequence[str], answer: str, because: str = "") -> GuessForm:
    """Ask for a guess, and show the answer only then.

    The guess is kept, with a reason in the student's words: in the form, when the cell runs again, and in what
    ``teaching.save_progress`` writes.

    Parameters
    ----------
    question
        What is asked.
    options
        What can be guessed; two at least.
    answer
        What is so; one of the options.
    because
        Shown with the answer.

    Raises
    ------
    TargetError
        If the answer is none of the options.
    """
    return GuessForm(guesses.guess(question, options, answer, because))


def open_quiz(when: str = quizzes.BEFORE, student: str | int = "") -> QuizForm:
    """The quiz before or after the course as a form.

    ``teaching.quiz`` of the same arguments is what was answered in it.

    Parameters
    ----------
    when
        "before" or "after".
    student
        A name or a number, on which the order of the options depends.

    Raises
    ------
    TargetError
        If ``when`` is neither.
    """
    return QuizForm(quizzes.quiz(when, student))


def _told(guess: guesses.Guess) -> str:
    told = "You guessed right." if guess.right else f"You guessed: {escape(guess.guessed)}."
    reason = f" Your reason: {escape(guess.reason)}" if guess.reason else ""
    return (
        f'<div role="status" style="border-left:4px solid #0072b2;padding:4px 10px;margin:4px 0">{told} '
        f"<b>It is: {escape(guess.answer)}.</b> {escape(guess.because)}{reason}</div>"
    )
