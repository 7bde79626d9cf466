"""The `sahut` command. Verbs live beside this file; heavy imports stay inside them, so that `--help` is quick."""

import os
import sys

# One thread for each matrix product, set before numpy is loaded: the embedder gains nothing from more, and several
# busy processes would fight for the same cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import typer

from api.cli import contacts, evals, knowledge, operators, serve, setup, talk, templates

app = typer.Typer(
    name="sahut",
    help="An AI-first customer support agent service for WhatsApp.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _verbs in (setup, serve, knowledge, talk):
    _verbs.register(app)
app.add_typer(setup.key_app, name="key")
app.add_typer(operators.app, name="operator")
app.add_typer(contacts.app, name="contact")
app.add_typer(evals.app, name="eval")
app.add_typer(templates.app, name="template")


def main() -> None:
    """Run a verb; an error of ours or of the database is one clear text and exit code 2, never a traceback."""
    from sahut.errors import SahutError

    try:
        app()
    except SahutError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except Exception as error:
        from sqlalchemy.exc import DatabaseError

        if not isinstance(error, DatabaseError):
            raise
        print(f"The database cannot be used: {error.orig}.", file=sys.stderr)
        sys.exit(2)
