"""The operators' console: pages in the browser, drawn by NiceGUI and our own components.

Nothing is imported here: NiceGUI is loaded only by a process that serves the role `console` (see `mount`).
"""
