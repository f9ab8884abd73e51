"""Where recordings are kept: the only room that knows SQLAlchemy."""
