"""Run by Alembic: migrates over the connection that `offhook.storage.migrate` opened."""

from alembic import context

from offhook.storage import catalogue

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=catalogue.metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
