

import django.contrib.postgres.indexes
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0004_model_by_name'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='locationfile',
            index=django.contrib.postgres.indexes.HashIndex(fields=['path'], name='location_file_path'),
        ),
    ]
