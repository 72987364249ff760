"""The names of the preference cookies."""

LANGUAGE_COOKIE = "chengyi_language"
TYPE_COOKIE = "chengyi_type"
