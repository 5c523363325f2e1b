"""Run by Alembic: migrates over the connection that `offhook.storage.migrate` opened."""

from alembic import context

from offhook.storage import link_tables, list_tables

assert list_tables.campaign_lists.metadata is link_tables.phonebook_syncs.metadata  # noqa: S101
# That module imports `tables`, so one catalogue knows every table.
connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=link_tables.phonebook_syncs.metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
