"""What every table's row is: a SQLModel that is made quickly. Knows no table."""

from functools import cache
from typing import Any

from pydantic.fields import FieldInfo
from sqlmodel import SQLModel

MUTABLE = (list, dict, set)


class Row(SQLModel):
    """A row of a table.

    Rows are made on the way of every message, and SQLModel sets each field of theirs through pydantic and the ORM,
    which costs more than the insert. A new row has no past that the ORM must know: its fields are set at once. Nothing
    is validated, as in any table of SQLModel's.
    """

    def __init__(self, **values: Any) -> None:
        """Raises `TypeError` for a name that is no column."""
        if unknown := values.keys() - type(self).model_fields.keys():
            raise TypeError(f"{type(self).__name__} has no column {', '.join(sorted(unknown))}")
        constant, made = _defaults(type(self))
        fresh = {name: field.get_default(call_default_factory=True) for name, field in made if name not in values}
        self.__dict__.update(constant | fresh | values)
        self.__pydantic_fields_set__.update(values)


@cache
def _defaults(model: type[Row]) -> tuple[dict[str, Any], tuple[tuple[str, FieldInfo], ...]]:
    """The defaults that are the same for all rows, and the fields whose default is made for each."""
    optional = {name: field for name, field in model.model_fields.items() if not field.is_required()}
    made = {
        name: field for name, field in optional.items() if field.default_factory or isinstance(field.default, MUTABLE)
    }
    return {name: optional[name].default for name in optional.keys() - made.keys()}, tuple(made.items())
