"""Run by Alembic: migrates over the connection that `offhook.storage.migrate` opened."""

from alembic import context

from offhook.storage.link_tables import metadata  # with it, every table is known

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
