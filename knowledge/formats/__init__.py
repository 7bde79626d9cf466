"""One file per document format: bytes or characters in, `Extract` out. None of them opens a file."""
