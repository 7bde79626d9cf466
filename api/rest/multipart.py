"""Forms with files, read by hand once the key is known to be good: many bytes are nothing to take from anybody.

FastAPI would read a declared form before it looks at the key. Knows no noun.
"""

from collections.abc import AsyncIterator
from typing import Any

from fastapi import HTTPException
from starlette.datastructures import FormData, UploadFile

Json = dict[str, Any]

# Room for the form around the files.
FORM_BYTES = 1024 * 1024
_CHUNK_BYTES = 256 * 1024
FILE: Json = {"type": "string", "format": "binary"}


def form_of(**fields: Json) -> Json:
    """For a route's `openapi_extra`: a form with these fields, of which `file` is needed."""
    schema = {"type": "object", "required": ["file"], "properties": fields}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def files_of(form: FormData) -> list[UploadFile]:
    """The files of a form. Raises 422 where there is none."""
    files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    if not files:
        raise HTTPException(422, "Send at least one file in the form field 'file'.")
    return files


async def chunks_of(file: UploadFile) -> AsyncIterator[bytes]:
    """A file of a form, piece by piece."""
    while chunk := await file.read(_CHUNK_BYTES):
        yield chunk
