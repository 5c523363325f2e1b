"""What sessions in a menu need of the world: trees, records, services, lists."""
