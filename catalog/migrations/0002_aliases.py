"""What no column constraint can say of ids: an alias names a live row, and no row with an id is ever deleted."""

from __future__ import annotations

from django.db import migrations

TABLES = ("catalog_modelrecord", "catalog_variant", "catalog_variantfile")

FUNCTIONS = """
CREATE FUNCTION catalog_alias_is_live() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE broken bigint;
BEGIN
  EXECUTE format(
    'SELECT count(*) FROM %1$I alias JOIN %1$I target ON target.id = alias.merged_into_id
     WHERE target.merged_into_id IS NOT NULL AND (alias.id = $1 OR target.id = $1)', TG_TABLE_NAME)
  INTO broken USING NEW.id;
  IF broken > 0 THEN
    RAISE EXCEPTION 'an alias in %% must name a live row', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION catalog_never_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of %% are never deleted: their ids answer for ever', TG_TABLE_NAME
    USING ERRCODE = 'integrity_constraint_violation';
END $$;
""".replace("%%", "%")

TRIGGERS = "".join(
    f"""
CREATE CONSTRAINT TRIGGER {table}_alias AFTER UPDATE OF merged_into_id ON {table}
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.merged_into_id IS NOT NULL)
  EXECUTE FUNCTION catalog_alias_is_live();
CREATE CONSTRAINT TRIGGER {table}_alias_born AFTER INSERT ON {table}
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.merged_into_id IS NOT NULL)
  EXECUTE FUNCTION catalog_alias_is_live();
CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION catalog_never_deleted();
"""
    for table in TABLES
)

UNDO = "".join(
    f"DROP TRIGGER {table}_alias ON {table}; DROP TRIGGER {table}_alias_born ON {table};"
    f" DROP TRIGGER {table}_kept ON {table};"
    for table in TABLES
)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]

    operations = [
        migrations.RunSQL(
            FUNCTIONS + TRIGGERS,
            UNDO + " DROP FUNCTION catalog_alias_is_live(); DROP FUNCTION catalog_never_deleted();",
        ),
    ]
