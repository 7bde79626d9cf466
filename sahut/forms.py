"""Forms as values: what is asked (`Form`), and how far one customer has come (`Filling`).

Everything is frozen and serialisable, since a filling is frozen into its turn. Must not know a database, a channel,
or how a customer's words become a value.
"""

from datetime import date
from typing import Annotated, Any, Literal

import regex
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from sahut.values import Value

# What one message of WhatsApp holds: three buttons, or a list of ten rows.
MOST_BUTTONS = 3
MOST_ROWS = 10
BUTTON_TITLE = 20
ROW_TITLE = 24
# The summary shows every answer in one message with buttons (1,024 characters).
MOST_FIELDS = 15
LONGEST_LABEL = 40
LONGEST_TEXT = 4000
LONGEST_PATTERN_ANSWER = 100
PATTERN_TIMEOUT_S = 0.1
REFERENCE_PREFIX = "F"


def _by_language(given: Any) -> Any:
    """A plain text is English, which stands in for every language that is missing."""
    return {"en": given} if isinstance(given, str) else given


def _flat(given: Any) -> Any:
    """Examples may be listed by language; only the phrases matter."""
    return [phrase for phrases in given.values() for phrase in phrases] if isinstance(given, dict) else given


def _compiles(pattern: str) -> str:
    try:
        regex.compile(pattern)
    except regex.error as error:
        raise ValueError(f"is no regular expression ({error})") from error
    return pattern


Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=600)]
Words = Annotated[dict[Language, Said], BeforeValidator(_by_language), Field(min_length=1)]
MaybeWords = Annotated[dict[Language, Said], BeforeValidator(_by_language)]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_LABEL)]
Labels = Annotated[dict[Language, Label], BeforeValidator(_by_language), Field(min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Day = date | Literal["today"]


def say_in(words: dict[str, str], language: str) -> str:
    """The words in `language`, else in English, else in the first language there is; "" where there are none."""
    return words.get(language) or words.get("en") or next(iter(words.values()), "")


class FormField(Value):
    """What every field has. `label` names it in the summary, `ask` is the question, `explain` helps after a mistake.

    `aliases` are other words by which customers call it ("plate", "plat").
    """

    name: Name
    label: Labels
    ask: Words
    explain: MaybeWords = Field(default_factory=dict)
    aliases: tuple[Label, ...] = ()
    required: bool = True


class TextField(FormField):
    """Free words, as many characters as the bounds say."""

    type: Literal["text"] = "text"
    min_length: int = Field(1, ge=1, le=LONGEST_TEXT)
    max_length: int = Field(1000, ge=1, le=LONGEST_TEXT)

    @model_validator(mode="after")
    def _ordered(self) -> "TextField":
        if self.min_length > self.max_length:
            raise ValueError("min_length is above max_length: swap them")
        return self


class NumberField(FormField):
    """A number, from `min` to `max` where they are given."""

    type: Literal["number"] = "number"
    min: float | None = None
    max: float | None = None
    integer: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> "NumberField":
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is above max: swap them")
        return self


class DateField(FormField):
    """A day, from `earliest` to `latest`; each a date or `today`."""

    type: Literal["date"] = "date"
    earliest: Day | None = None
    latest: Day | None = None

    @model_validator(mode="after")
    def _ordered(self) -> "DateField":
        if isinstance(self.earliest, date) and isinstance(self.latest, date) and self.earliest > self.latest:
            raise ValueError("earliest is after latest: swap them")
        return self


class Choice(Value):
    """One of the answers to choose from; `value` is what is stored."""

    value: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    label: Labels


class ChoiceField(FormField):
    """One of a few answers: buttons for up to three, a list for up to ten; an optional one needs room for "skip"."""

    type: Literal["choice"] = "choice"
    choices: Annotated[tuple[Choice, ...], Field(min_length=2)]

    @property
    def fits_buttons(self) -> bool:
        """Whether all the choices (and "skip") fit beside one another."""
        return len(self.choices) + (not self.required) <= MOST_BUTTONS

    @model_validator(mode="after")
    def _sendable(self) -> "ChoiceField":
        rows = len(self.choices) + (not self.required)
        if rows > MOST_ROWS:
            room = MOST_ROWS if self.required else MOST_ROWS - 1
            raise ValueError(f"has {len(self.choices)} choices, WhatsApp shows {room}: join some, or ask for text")
        most, shape = (BUTTON_TITLE, "a button") if self.fits_buttons else (ROW_TITLE, "a row of a list")
        for language in {code for choice in self.choices for code in choice.label}:
            titles = [say_in(choice.label, language) for choice in self.choices]
            long = next((title for title in titles if _units(title) > most), None)
            if long is not None:
                raise ValueError(f"the label {long!r} is too long for {shape}: at most {most} characters")
            if len({title.casefold() for title in titles}) < len(titles):
                raise ValueError(f"two choices have the same label in {language!r}: give each its own")
        if len({choice.value for choice in self.choices}) < len(self.choices):
            raise ValueError("two choices have the same value: give each its own")
        return self


class YesNoField(FormField):
    """Yes or no."""

    type: Literal["yes_no"] = "yes_no"


class PhoneField(FormField):
    """A telephone number."""

    type: Literal["phone"] = "phone"


class EmailField(FormField):
    """An e-mail address."""

    type: Literal["email"] = "email"


class PatternField(FormField):
    """Something with a shape, such as a vehicle's plate: the whole answer matches `pattern`, capitals or not.

    `explain` is what a customer is told whose answer does not.
    """

    type: Literal["pattern"] = "pattern"
    explain: Words
    pattern: Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_compiles)]


class PhotoField(FormField):
    """A photo or document; the answer is the message that brought it."""

    type: Literal["photo"] = "photo"


AnyField = Annotated[
    TextField
    | NumberField
    | DateField
    | ChoiceField
    | YesNoField
    | PhoneField
    | EmailField
    | PatternField
    | PhotoField,
    Field(discriminator="type"),
]


class TicketRule(Value):
    """That a ticket is opened when the form is sent, and its topic."""

    topic: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Form(Value):
    """A form as an organisation writes it. `examples` are customers' phrases that call for it.

    `identifies`: who has sent it counts, for a day, as somebody who has said who they are (docs/tools.md).
    """

    name: Name
    title: Labels
    description: Annotated[str, StringConstraints(max_length=500)] = ""
    examples: Annotated[tuple[Said, ...], BeforeValidator(_flat), Field(min_length=1)]
    fields: Annotated[tuple[AnyField, ...], Field(min_length=1, max_length=MOST_FIELDS)]
    ticket: TicketRule | None = None
    identifies: bool = False
    thanks: MaybeWords = Field(default_factory=dict)

    @model_validator(mode="after")
    def _named_once(self) -> "Form":
        names = [field.name for field in self.fields]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"two fields are named {twice!r}: rename one")
        return self

    def field(self, name: str) -> AnyField:
        """The field of that name. Raises `KeyError`."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)


class Edition(Value):
    """A form as it stands in the tables: `id` names this version of it for good."""

    id: str
    form: Form


class Filling(Value):
    """How far a customer has come with one edition of a form.

    `step`: a field is open, the summary waits for a yes, or we asked which answer to change. `answers` by field name,
    JSON values, `None` for what was skipped. `misses`: answers in a row that could not be used. `flagged`: something
    in it came in a message that the screen doubted. `reference` is what the customer is told at the end.
    """

    id: str
    reference: str
    edition: str
    form: Form
    state: Literal["open", "submitted", "cancelled"] = "open"
    step: Literal["field", "summary", "change"] = "field"
    field: str = ""
    answers: dict[str, Any] = Field(default_factory=dict)
    misses: int = 0
    flagged: bool = False


def described(filling: Filling, language: str) -> str:
    """The answers in lines, for a ticket: every label with its value as stored, choices by their labels."""
    return "\n".join(
        f"{say_in(field.label, language)}: {_plain(field, filling.answers.get(field.name), language)}"
        for field in filling.form.fields
    )


def _plain(field: AnyField, value: Any, language: str) -> str:
    if value is None:
        return "-"
    if isinstance(field, ChoiceField):
        return next((say_in(choice.label, language) for choice in field.choices if choice.value == value), str(value))
    if isinstance(field, PhotoField):
        return f"message {value['message']}"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _units(text: str) -> int:
    """Length in UTF-16 units, as WhatsApp counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
