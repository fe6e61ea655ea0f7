from __future__ import annotations

import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0003_external_id_value")]

    operations = [
        migrations.RemoveIndex(model_name="modelrecord", name="model_by_name"),
        migrations.AddIndex(
            model_name="modelrecord",
            index=models.Index(
                django.db.models.functions.text.Upper("name"),
                models.F("id"),
                condition=models.Q(("merged_into", None)),
                name="model_by_name",
            ),
        ),
    ]
