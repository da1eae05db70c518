"""One round of the quiz: what has been guessed, what comes next, answers and score as files. No Streamlit here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.evaluation.quiz import QuizAnswer, QuizPicture, QuizScore, right_share
from core.store.scores import guarded_text
from core.store.tables import csv_line


@dataclass(slots=True)
class QuizRound:
    """A round in play. `answers` grow by one per picture; the picture shown is the last answered while `revealed`.

    `others` holds, for the images answered so far, what further networks decide for: image -> key -> class.
    """

    model: str
    number: int
    deck: tuple[QuizPicture, ...]
    answers: list[QuizAnswer] = field(default_factory=list)
    revealed: bool = False
    skipped: int = 0
    others: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def position(self) -> int:
        """The picture that is on screen, from 0; the length of the deck when the round is over."""
        return len(self.answers) + self.skipped - (1 if self.revealed else 0)

    @property
    def over(self) -> bool:
        """Whether every picture has been answered and its answer seen."""
        return self.position >= len(self.deck)

    @property
    def picture(self) -> QuizPicture:
        """The picture on screen; only while the round is not over."""
        return self.deck[self.position]

    def answer(self, guess: str, network: str, stated: float, hands: Mapping[str, int] | None = None) -> None:
        """Take a guess for the picture on screen and show the truth; a second one for the same picture is passed over.

        Args:
            guess: a class; of a room the class with most hands.
            network: what the network decides for; `stated` its probability of that.
            hands: class -> hands, where they were counted.
        """
        if self.revealed or self.over:
            return
        picture = self.picture
        self.answers.append(
            QuizAnswer(
                image_id=picture.image_id, truth=picture.truth, guess=guess, network=network, stated=stated,
                hands=dict(hands or {}),
            )
        )  # fmt: skip
        self.revealed = True

    def onward(self) -> None:
        """From the truth to the next picture; nothing happens before there is an answer."""
        self.revealed = False

    def skip(self) -> None:
        """Pass over a picture that cannot be shown or answered."""
        if not self.revealed and not self.over:
            self.skipped += 1


def answers_csv(
    played: QuizRound, class_names: tuple[str, ...], calls: Mapping[str, Sequence[str]] | None = None
) -> str:
    """One line per answered picture, for a spreadsheet.

    Args:
        calls: key of a further network -> its decision for each answered picture, in their order.
    """
    more = calls or {}
    names = [f"hands_{name}" for name in class_names]
    columns = [
        "number", "image_id", "truth", "guess", "guess_right", "network", "stated", "network_right", *names,
        "share_right", *(f"call_{key}" for key in more), "model",
    ]  # fmt: skip
    lines = [csv_line([guarded_text(c) for c in columns])]
    for number, a in enumerate(played.answers, start=1):
        words = [guarded_text(word) for word in (a.image_id, a.truth, a.guess)]
        hands = [str(a.hands.get(name, "")) for name in class_names]
        row = [
            str(number), *words, str(int(a.guess == a.truth)), guarded_text(a.network), repr(a.stated),
            str(int(a.network == a.truth)), *hands, repr(right_share(a)),
            *(guarded_text(decided[number - 1]) for decided in more.values()), guarded_text(played.model),
        ]  # fmt: skip
        lines.append(csv_line(row))
    return "".join(lines)


def score_csv(model: str, score: QuizScore) -> str:
    """One line for the class's vote, one for its hands where they were counted, and one per network."""
    rows = [("vote" if score.hands else "guesser", score.guesses, None)]
    if score.hands:
        rows.append(("hands", score.hands, None))
    rows.append((model, score.network, score.gaps[""]))
    rows += [(key, estimate, score.gaps[key]) for key, estimate in score.others.items()]
    columns = [
        "who", "images", "share_right", "low", "high", "level", "method", "class_ahead", "ahead_low", "ahead_high",
        "ahead_method",
    ]  # fmt: skip
    lines = [csv_line(columns)]
    for who, e, gap in rows:
        ahead = (None,) * 4 if gap is None else (gap.value, gap.low, gap.high, gap.method)
        cells = [guarded_text(who), e.n_images, e.value, e.low, e.high, e.level, e.method, *ahead]
        lines.append(csv_line(["" if cell is None else cell for cell in cells]))
    return "".join(lines)
