"""The tables of the first version, which `create_tables` makes: never edited again."""
