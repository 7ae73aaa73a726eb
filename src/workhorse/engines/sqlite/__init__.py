"""The engine on SQLite: broker, store, inspector and statements over one file, or over memory."""
